import { MatrixError } from '../../core/errors.ts'
import { heldToken, type ImportedFrom } from '../held-token.ts'

/** Reads tokens that came as query parameters. */
export type TokenPosition = (name: string, text: string) => number

/**
 * Says where in the stream of events a token stands that came as a query parameter.
 * @throws {MatrixError} `M_INVALID_PARAM`
 */
export const tokenPositions =
  (from: ImportedFrom): TokenPosition =>
  (name, text) => {
    const position = heldToken(text, from)?.events
    if (position === undefined)
      throw new MatrixError('M_INVALID_PARAM', `${name} is not a token of this server`)
    return position
  }
