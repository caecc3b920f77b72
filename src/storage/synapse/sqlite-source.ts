import { existsSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import type { SqlValue } from '../database.ts'
import { errorOf } from '../dialect/sqlite-connection.ts'
import { type SynapseSource, SynapseUnreadable } from './source.ts'

/** How many statements are kept compiled. */
const KEPT = 200

/** @throws {SynapseUnreadable} if there is no database that can be read */
export const openSqliteSynapse = (path: string): Omit<SynapseSource, 'schemaVersion'> => {
  const database = open(path)
  const statements = new Map<string, Sqlite.Statement<SqlValue[], object>>()
  const prepared = (sql: string): Sqlite.Statement<SqlValue[], object> => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    if (statements.size >= KEPT) statements.clear()
    const made = database.prepare<SqlValue[], object>(sql)
    statements.set(sql, made)
    return made
  }
  const columns = new Set(
    database
      .prepare<[], { name: string }>(
        `SELECT t.name || '.' || c.name AS name FROM sqlite_schema t, pragma_table_info(t.name) c
         WHERE t.type = 'table' UNION ALL SELECT name FROM sqlite_schema WHERE type = 'table'`,
      )
      .all()
      .map(({ name }) => name),
  )
  return {
    kind: 'sqlite',
    has: (table, column) => columns.has(column === undefined ? table : `${table}.${column}`),
    all: async <T extends object>(sql: string, parameters: readonly SqlValue[] = []) => {
      // The line of progress and Ctrl-C have their turn.
      await new Promise(resolve => setImmediate(resolve))
      return prepared(sql).all(...parameters) as T[]
    },
    get: async <T extends object>(sql: string, parameters: readonly SqlValue[] = []) =>
      prepared(sql).get(...parameters) as T | undefined,
    othersConnected: async () => 0,
    close: async () => {
      database.close()
    },
  }
}

const open = (path: string): Sqlite.Database => {
  let database: Sqlite.Database | undefined
  try {
    database = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: 10_000 })
    // The first read begins the transaction.
    database.exec('BEGIN')
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
    return database
  } catch (cause) {
    database?.close()
    const { message } = errorOf(cause)
    throw new SynapseUnreadable(
      `Synapse's database ${path} cannot be read: ${message}${adviceOn(path, cause)}`,
      {
        cause,
      },
    )
  }
}

/** What to say to a failure to open a database: to read one with a write-ahead log, SQLite itself writes beside it. */
export const adviceOn = (path: string, cause: unknown): string =>
  existsSync(path) &&
  cause instanceof Error &&
  'code' in cause &&
  /^SQLITE_(READONLY|CANTOPEN)/.test(String(cause.code))
    ? '. Even to read it SQLite puts files beside it, which may not be allowed here: give the command as the user whom Synapse ran as, or as root, or for a copy of the directory.'
    : ''
