import Sqlite from 'better-sqlite3'
import type { SqlValue } from '../database.ts'
import { errorOf } from '../dialect/sqlite-connection.ts'
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

/** The tables of an SQLite database that are data. */
export const sqliteTables = (database: Sqlite.Database): TableShape[] =>
  database
    .prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .all()
    .filter(({ name }) => !isLeftOut(name))
    .map(({ name }) => shapeOf(database, name))

const shapeOf = (database: Sqlite.Database, name: string): TableShape => {
  const columns = database
    .prepare<[string], { name: string; type: string; pk: number }>(
      'SELECT name, type, pk FROM pragma_table_info(?)',
    )
    .all(name)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk)
  return {
    name,
    columns: columns.map(column => column.name),
    key: key.map(column => column.name),
    isText: columns.map(({ type }) => type.toLowerCase().includes('text')),
  }
}

/** The rows of a table in the order of its key, in batches. */
export function* sqliteRows(
  database: Sqlite.Database,
  table: TableShape,
  after: readonly SqlValue[] | undefined,
): Generator<RowValues[]> {
  const marks = table.key.map(() => '?').join(', ')
  const select = `SELECT ${names(table.columns)} FROM "${table.name}"`
  const order = `ORDER BY ${names(table.key)} LIMIT ${BATCH}`
  const first = database.prepare<SqlValue[], SqlValue[]>(`${select} ${order}`).raw()
  const next = database
    .prepare<SqlValue[], SqlValue[]>(`${select} WHERE (${names(table.key)}) > (${marks}) ${order}`)
    .raw()
  let at = after
  for (;;) {
    const rows = at === undefined ? first.all() : next.all(...at)
    if (rows.length > 0) yield rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < BATCH) return
    at = keyOf(table, last)
  }
}

/** @throws {DumpError} unless it is a database of ours, all of it */
const openOurs = (path: string): Sqlite.Database => {
  let database: Sqlite.Database | undefined
  try {
    database = new Sqlite(path, { fileMustExist: true, readonly: true, timeout: 10_000 })
    const find = database.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?')
    if (find.get('schema_info') === undefined) throw new DumpError(`${path} holds no Tessera database`)
    if (find.get(PROGRESS_TABLE) !== undefined) throw new DumpError(`the database ${path} ${HALF_FILLED}`)
    return database
  } catch (cause) {
    database?.close()
    if (cause instanceof DumpError) throw cause
    throw new DumpError(`there is no usable database at ${path}: ${errorOf(cause).message}`, { cause })
  }
}

/**
 * An SQLite database as it is now. The server may go on writing: its log keeps what it changes until this is closed.
 * @throws {DumpError} if there is none, or not all of one
 */
export const openSqliteSource = (path: string): RowSource => {
  const database = openOurs(path)
  // The first read begins the transaction, and with it the moment that all others see.
  database.exec('BEGIN')
  const info = database.prepare<[], SchemaInfo>(READ_SCHEMA_INFO).get()
  const streams = database.prepare('SELECT name, position FROM streams ORDER BY name').all()
  return {
    schemaVersion: info?.version ?? 0,
    fingerprint: JSON.stringify(streams),
    tables: async () => sqliteTables(database),
    count: async table =>
      database.prepare<[], { n: number }>(`SELECT count(*) AS n FROM "${table.name}"`).get()?.n,
    rows: async function* (table, { lastKey }) {
      for (const rows of sqliteRows(database, table, lastKey)) {
        yield rows
        await new Promise(resolve => setImmediate(resolve))
      }
    },
    close: async () => {
      database.close()
    },
  }
}
