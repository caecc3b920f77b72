import type { Row, SqlValue } from '../database.ts'
import type { SynapseSource } from './source.ts'

/** What is read of a table. All names are constants of ours. */
export interface PageQuery {
  /** A table, or tables joined. */
  readonly from: string
  /** Columns, or expressions with names of their own (`t.id AS id`). */
  readonly columns: readonly string[]
  /** What the rows are ordered by, unique in all, never NULL; as it is called in the rows, and in the query if that is another name. */
  readonly key: readonly (string | { readonly column: string; readonly name: string })[]
  /** A condition without placeholders. */
  readonly where?: string
}

/** Rows that are read at once. */
export const PAGE = 1_000

/** Reads a table in pages, in the order of its key, from after a key on. */
export async function* pages<T extends object = Row>(
  source: SynapseSource,
  query: PageQuery,
  after?: readonly SqlValue[],
  size: number = PAGE,
): AsyncGenerator<T[]> {
  const key = query.key.map(part => (typeof part === 'string' ? { column: part, name: part } : part))
  const columns = key.map(({ column }) => column).join(', ')
  const marks = key.map(() => '?').join(', ')
  let at = after
  for (;;) {
    const conditions = [
      ...(query.where === undefined ? [] : [`(${query.where})`]),
      ...(at === undefined ? [] : [`(${columns}) > (${marks})`]),
    ]
    const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
    const rows = await source.all<T>(
      `SELECT ${query.columns.join(', ')} FROM ${query.from}${where} ORDER BY ${columns} LIMIT ${size}`,
      at ?? [],
    )
    if (rows.length > 0) yield rows
    const last = rows.at(-1) as Row | undefined
    if (last === undefined || rows.length < size) return
    at = key.map(({ name }) => last[name] ?? null)
  }
}
