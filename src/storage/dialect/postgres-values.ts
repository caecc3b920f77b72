import type pg from 'pg'
import type { SqlList, SqlValue } from '../database.ts'

/**
 * How values travel to PostgreSQL and back, so that both databases store and answer the same.
 *
 * PostgreSQL refuses U+0000 in text, which Matrix allows almost anywhere. It is stored as an escape that begins with
 * a code point that Unicode has set aside for such private use; that code point itself is escaped as well, so that
 * different texts stay different.
 */
const ESCAPE = '\u{10FFFE}'
const NUL = '\0'

const encodeText = (text: string): string =>
  text.includes(NUL) || text.includes(ESCAPE)
    ? text.replaceAll(ESCAPE, `${ESCAPE}1`).replaceAll(NUL, `${ESCAPE}0`)
    : text

const decodeText = (text: string): string =>
  text.includes(ESCAPE) ? text.replaceAll(`${ESCAPE}0`, NUL).replaceAll(`${ESCAPE}1`, ESCAPE) : text

/** A parameter as it stands on the wire. */
export const wireValue = (value: SqlValue | SqlList): string | Buffer | null => {
  if (typeof value === 'string') return encodeText(value)
  if (typeof value === 'number') return String(value)
  if (value === null || value === undefined) return null
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return `{${value.list.map(arrayItem).join(',')}}`
}

const arrayItem = (item: string | number): string =>
  typeof item === 'number' ? String(item) : `"${encodeText(item).replaceAll(/["\\]/g, '\\$&')}"`

/** `\x00ff…` → bytes. */
const parseBytes = (text: string): Uint8Array => {
  const bytes = new Uint8Array((text.length - 2) / 2)
  Buffer.from(bytes.buffer).write(text.slice(2), 'hex')
  return bytes
}

/** Object identifiers of PostgreSQL's types (`pg_type`). Booleans are 0 and 1 here as in SQLite. */
const PARSERS = new Map<number, (text: string) => SqlValue>([
  [16, text => (text === 't' ? 1 : 0)],
  [17, parseBytes],
  ...[20, 21, 23, 700, 701, 1700].map(type => [type, Number] as const),
])

/** How values of a type (the number in `pg_type`) are read. */
export const parserOf = (type: number): ((text: string) => SqlValue) => PARSERS.get(type) ?? decodeText

/** The parsers of a connection. */
export const postgresTypes = { getTypeParser: parserOf } as pg.CustomTypesConfig
