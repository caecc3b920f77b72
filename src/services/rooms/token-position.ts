import { MatrixError } from '../../core/errors.ts'
import { parseStreamToken } from '../../core/stream-token.ts'

/**
 * Where in the stream of events a token stands that came as a query parameter.
 * @throws {MatrixError} `M_INVALID_PARAM`
 */
export const tokenPosition = (name: string, text: string): number => {
  const position = parseStreamToken(text)?.events
  if (position === undefined)
    throw new MatrixError('M_INVALID_PARAM', `${name} is not a token of this server`)
  return position
}
