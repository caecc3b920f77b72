import { accessSync, constants } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type Sqlite from 'better-sqlite3'
import type { Client } from 'pg'
import { DatabaseUnavailable } from './database.ts'
import { connectionFailure } from './dialect/connection-failure.ts'
import {
  hasTable,
  isReadOnly,
  isServed,
  MAKE_OWNER,
  mayMakeTables,
  READ_ONLY,
  whereAllowed,
} from './dialect/postgres-questions.ts'
import { HALF_FILLED, PROGRESS_TABLE } from './dump/row-stream.ts'
import { needsMigration, READ_SCHEMA_INFO, type SchemaInfo } from './migrate.ts'
import type { DatabaseConfig } from './open.ts'
import { unsoundInPostgres, unsoundInSqlite } from './soundness.ts'

/** What a look at a database found. */
export type DatabaseState =
  | { readonly kind: 'missing' }
  | { readonly kind: 'usable'; readonly isCurrent: boolean }

const CONNECT_TIMEOUT_MS = 5_000

/**
 * Looks at a database without changing it; no migration runs.
 *
 * Throws `DatabaseUnavailable` when it cannot be reached or written, or is only half filled, `DatabaseTooNew` when this program must not use it.
 */
export const inspectDatabase = async (config: DatabaseConfig): Promise<DatabaseState> => {
  const info = await (config.kind === 'sqlite' ? inspectSqlite(config.path) : inspectPostgres(config.url))
  if (info === 'missing') return { kind: 'missing' }
  return { kind: 'usable', isCurrent: !needsMigration(info) }
}

/**
 * What is damaged in a database that is up to date, or missing in its schema: one entry for each, none where all is well.
 *
 * Throws `DatabaseUnavailable` when it cannot be read.
 */
export const unsoundIn = (config: DatabaseConfig): Promise<string[]> =>
  config.kind === 'sqlite'
    ? askSqlite(config.path, file => unsoundInSqlite(config.path, file))
    : askPostgres(config.url, unsoundInPostgres)

/**
 * Refuses a database that a server runs on, for what must not be done beside one.
 *
 * Throws `DatabaseUnavailable`, also where it cannot be reached.
 */
export const refuseServed = async (config: DatabaseConfig, now: number): Promise<void> => {
  if (config.kind === 'sqlite') {
    const { refuseHeld } = await import('./dialect/sqlite-service.ts')
    refuseHeld(resolve(config.path))
    return
  }
  if (await askPostgres(config.url, client => isServed(client, now))) {
    throw new DatabaseUnavailable(
      'a server is running on the PostgreSQL database, or was killed within the last half minute: stop it first',
    )
  }
}

const unavailable = (what: string, error: unknown): DatabaseUnavailable =>
  new DatabaseUnavailable(`${what} cannot be used: ${connectionFailure(error)}`, { cause: error })

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT'

const inspectSqlite = async (path: string): Promise<SchemaInfo | undefined | 'missing'> => {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    accessSync(dirname(path), constants.W_OK)
  } catch (error) {
    if (isMissing(error)) return 'missing'
    throw unavailable(`the database ${path}`, error)
  }
  return askSqlite(path, async file => {
    const find = file.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?')
    if (find.get(PROGRESS_TABLE) !== undefined) throw new Error(`it ${HALF_FILLED}`)
    const isKnown = find.get('schema_info') !== undefined
    return isKnown ? file.prepare<[], SchemaInfo>(READ_SCHEMA_INFO).get() : undefined
  })
}

const askSqlite = async <T>(path: string, ask: (file: Sqlite.Database) => Promise<T>): Promise<T> => {
  try {
    const { default: Sqlite } = await import('better-sqlite3')
    const file = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: CONNECT_TIMEOUT_MS })
    try {
      return await ask(file)
    } finally {
      file.close()
    }
  } catch (error) {
    throw unavailable(`the database ${path}`, error)
  }
}

const inspectPostgres = (url: string): Promise<SchemaInfo | undefined> =>
  askPostgres(url, async client => {
    if (await isReadOnly(client)) throw new Error(READ_ONLY)
    if (await hasTable(client, PROGRESS_TABLE)) throw new Error(`it ${HALF_FILLED}`)
    if (!(await hasTable(client, 'schema_info'))) {
      if (!(await mayMakeTables(client))) throw new Error(MAKE_OWNER)
      return undefined
    }
    const { rows } = await client.query(READ_SCHEMA_INFO)
    return (
      rows[0] && { version: Number(rows[0].version), compatible_back_to: Number(rows[0].compatible_back_to) }
    )
  })

const askPostgres = async <T>(url: string, ask: (client: Client) => Promise<T>): Promise<T> => {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await whereAllowed(client, () => ask(client))
  } catch (error) {
    if (error instanceof DatabaseUnavailable) throw error
    throw unavailable('the PostgreSQL database', error)
  } finally {
    await client.end().catch(() => undefined)
  }
}
