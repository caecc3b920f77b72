import type pg from 'pg'
import type { SqlValue } from '../database.ts'
import { connectionFailure } from '../dialect/connection-failure.ts'
import { connectClient } from '../dialect/postgres-connection.ts'
import { hasTable, whereAllowed } from '../dialect/postgres-questions.ts'
import { READ_SCHEMA_INFO, type SchemaInfo } from '../migrate.ts'
import {
  BATCH,
  DumpError,
  HALF_FILLED,
  isLeftOut,
  keyOf,
  names,
  PROGRESS_TABLE,
  type RowSource,
  type RowValues,
  type TableShape,
} from './row-stream.ts'

/** Connects. @throws {DumpError} if that is not possible */
export const connectPostgres = async (url: string): Promise<pg.Client> => {
  try {
    return await connectClient(url, 'talk')
  } catch (cause) {
    throw new DumpError(`the PostgreSQL database cannot be reached: ${connectionFailure(cause)}`, { cause })
  }
}

/** The tables of a PostgreSQL database that are data. */
export const postgresTables = async (client: pg.Client): Promise<TableShape[]> => {
  const { rows } = await client.query<{ table: string; column: string; type: string; place: number | null }>(
    `SELECT c.relname AS table, a.attname AS column, t.typname AS type,
       array_position(i.indkey::int2[], a.attnum) AS place
     FROM pg_class c
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       JOIN pg_type t ON t.oid = a.atttypid
       LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
     WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
     ORDER BY c.relname COLLATE "C", a.attname COLLATE "C"`,
  )
  const tables = Map.groupBy(rows, row => row.table)
  return [...tables]
    .filter(([name]) => !isLeftOut(name))
    .map(([name, columns]) => ({
      name,
      columns: columns.map(({ column }) => column),
      key: columns
        .filter(({ place }) => place !== null)
        .sort((a, b) => Number(a.place) - Number(b.place))
        .map(({ column }) => column),
      isText: columns.map(({ type }) => type === 'text' || type === 'varchar'),
    }))
}

/** The rows of a table in the order of its key, in batches. */
export async function* postgresRows(
  client: pg.Client,
  table: TableShape,
  after: readonly SqlValue[] | undefined,
): AsyncGenerator<RowValues[]> {
  const marks = table.key.map((_, index) => `$${index + 1}`).join(', ')
  const select = `SELECT ${names(table.columns)} FROM "${table.name}"`
  const order = `ORDER BY ${names(table.key)} LIMIT ${BATCH}`
  let at = after
  for (;;) {
    const text =
      at === undefined ? `${select} ${order}` : `${select} WHERE (${names(table.key)}) > (${marks}) ${order}`
    const { rows } = await client.query<SqlValue[]>({ text, values: [...(at ?? [])], rowMode: 'array' })
    if (rows.length > 0) yield rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < BATCH) return
    at = keyOf(table, last)
  }
}

const refused = async (client: pg.Client, error: unknown): Promise<never> => {
  await client.end()
  throw error
}

/**
 * A PostgreSQL database as it is now, in one transaction; servers may go on writing.
 * @throws {DumpError} if it cannot be reached, or does not hold data of ours, all of it
 */
export const openPostgresSource = async (url: string): Promise<RowSource> => {
  const client = await connectPostgres(url)
  const unusable = !(await hasTable(client, 'schema_info'))
    ? 'holds no data of Tessera'
    : (await hasTable(client, PROGRESS_TABLE)) && HALF_FILLED
  if (unusable) {
    await client.end()
    throw new DumpError(`the PostgreSQL database ${unusable}`)
  }
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  const read = () => client.query<SchemaInfo>(READ_SCHEMA_INFO)
  const info = (await whereAllowed(client, read).catch(error => refused(client, error))).rows[0]
  const streams = (await client.query('SELECT name, position FROM streams ORDER BY name')).rows
  return {
    schemaVersion: Number(info?.version ?? 0),
    fingerprint: JSON.stringify(streams.map(row => ({ name: row.name, position: Number(row.position) }))),
    tables: () => postgresTables(client),
    count: async table =>
      Number((await client.query(`SELECT count(*) AS n FROM "${table.name}"`)).rows[0]?.['n'] ?? 0),
    rows: (table, { lastKey }) => postgresRows(client, table, lastKey),
    close: () => client.end(),
  }
}
