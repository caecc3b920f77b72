import { formatStreamToken, parseStreamToken, type StreamToken } from '../../core/stream-token.ts'

/** What a `pos` says: the positions of a token of `/sync`, and by what a connection is found. */
export interface ConnectionToken {
  readonly positions: StreamToken
  /** When the connection was opened, in a form in which no two of one name were. */
  readonly openedAt: number
  /** How many responses the client had taken that told of rooms. */
  readonly generation: number
  /** Of the last of these. */
  readonly serial: number
}

const FORM = /^(.*)\.o(\d{1,16})\.g(\d{1,15})\.c(\d{1,15})$/

/** Writes a `pos`. */
export const formatConnectionToken = ({ positions, openedAt, generation, serial }: ConnectionToken): string =>
  `${formatStreamToken(positions)}.o${openedAt}.g${generation}.c${serial}`

/** Reads a `pos`; `undefined` if it is not one of ours. */
export const parseConnectionToken = (pos: string): ConnectionToken | undefined => {
  const positions = parseStreamToken(pos)
  const [, , openedAt, generation, serial] = FORM.exec(pos) ?? []
  if (positions === undefined || serial === undefined) return undefined
  return { positions, openedAt: Number(openedAt), generation: Number(generation), serial: Number(serial) }
}
