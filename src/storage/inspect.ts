import { accessSync, constants } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseUnavailable } from './database.ts'
import { needsMigration, READ_SCHEMA_INFO, type SchemaInfo } from './migrate.ts'
import type { DatabaseConfig } from './open.ts'

/** What a look at a database found. */
export type DatabaseState =
  | { readonly kind: 'missing' }
  | { readonly kind: 'usable'; readonly isCurrent: boolean }

const CONNECT_TIMEOUT_MS = 5_000

/**
 * Looks at a database without changing it; no migration runs.
 *
 * Throws `DatabaseUnavailable` when it cannot be reached or written, `DatabaseTooNew` when this program must not use it.
 */
export const inspectDatabase = async (config: DatabaseConfig): Promise<DatabaseState> => {
  const info = await (config.kind === 'sqlite' ? inspectSqlite(config.path) : inspectPostgres(config.url))
  if (info === 'missing') return { kind: 'missing' }
  return { kind: 'usable', isCurrent: !needsMigration(info) }
}

const unavailable = (what: string, error: unknown): DatabaseUnavailable => {
  // A refused connection is an AggregateError without a message.
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const message = error instanceof Error && error.message !== '' ? error.message : code
  return new DatabaseUnavailable(`${what} cannot be used: ${message}`, { cause: error })
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT'

const inspectSqlite = async (path: string): Promise<SchemaInfo | undefined | 'missing'> => {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    accessSync(dirname(path), constants.W_OK)
    const { default: Sqlite } = await import('better-sqlite3')
    const database = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: CONNECT_TIMEOUT_MS })
    try {
      const known = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'schema_info'").get()
      return known === undefined ? undefined : database.prepare<[], SchemaInfo>(READ_SCHEMA_INFO).get()
    } finally {
      database.close()
    }
  } catch (error) {
    if (isMissing(error)) return 'missing'
    throw unavailable(`the database ${path}`, error)
  }
}

const inspectPostgres = async (url: string): Promise<SchemaInfo | undefined> => {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows: tables } = await client.query("SELECT to_regclass('schema_info') AS known")
    if (tables[0]?.known === null) return undefined
    const { rows } = await client.query(READ_SCHEMA_INFO)
    return (
      rows[0] && { version: Number(rows[0].version), compatible_back_to: Number(rows[0].compatible_back_to) }
    )
  } catch (error) {
    throw unavailable('the PostgreSQL database', error)
  } finally {
    await client.end().catch(() => undefined)
  }
}
