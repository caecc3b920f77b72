import type { IncomingHttpHeaders } from 'node:http'

/** Both ends are included. */
export interface Range {
  readonly start: number
  readonly end: number
}

/**
 * The part of a file that a request asks for (RFC 9110, "Range Requests"): `undefined` for all of it, also where
 * several parts are asked for, or a part of another version (`If-Range`).
 *
 * @param size of the whole, in bytes.
 */
export const rangeOf = (
  headers: IncomingHttpHeaders,
  size: number,
  etag: string,
): Range | 'unsatisfiable' | undefined => {
  const condition = headers['if-range']
  if (condition !== undefined && condition !== etag) return undefined
  const [, first, last] = /^bytes=[\t ]*(\d{0,15})-(\d{0,15})[\t ]*$/i.exec(headers.range ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined
  if (first === '') {
    // The last so many bytes.
    const length = Math.min(Number(last), size)
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return undefined
  if (start >= size) return 'unsatisfiable'
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) }
}

/** Whether the client has this version already (`If-None-Match`, compared weakly). */
export const isUnchanged = (headers: IncomingHttpHeaders, etag: string): boolean => {
  const known = headers['if-none-match']
  if (known === undefined) return false
  return known.trim() === '*' || known.split(',').some(each => each.trim().replace(/^W\//, '') === etag)
}
