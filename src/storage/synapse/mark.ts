import { resolve } from 'node:path'
import { type Database, DatabaseUnavailable, type SqlValue } from '../database.ts'
import { openTarget } from '../dump/open.ts'
import { connectPostgres } from '../dump/postgres-source.ts'
import {
  CREATE_PROGRESS,
  HALF_FILLED,
  PROGRESS_TABLE,
  type ProgressRow,
  progressValues,
  SOURCE_ROW,
} from '../dump/row-stream.ts'
import type { DatabaseConfig } from '../open.ts'
import { numbered } from './source.ts'

/** Runs a statement on a database; answers rows. */
type Run = (sql: string, values?: readonly SqlValue[]) => Promise<ProgressRow[]>

const FIND = `SELECT * FROM ${PROGRESS_TABLE} WHERE table_name = '${SOURCE_ROW}'`
const TABLES = {
  sqlite: `SELECT name AS checksum FROM sqlite_schema WHERE name = '${PROGRESS_TABLE}'`,
  postgres: `SELECT relname AS checksum FROM pg_class WHERE relname = '${PROGRESS_TABLE}'
    AND relnamespace = current_schema()::regnamespace`,
}

/**
 * Marks a database, whose schema is up to date, as one that is being filled by an import, which no server and no command takes until
 * `finishImport`. Answers whether it was one already, by an earlier attempt of the same import.
 *
 * @param what names the import
 * @throws {DatabaseUnavailable} if it is being filled from something else
 */
export const markImport = (config: DatabaseConfig, what: string): Promise<boolean> =>
  withRun(config, async run => {
    if ((await run(TABLES[config.kind])).length > 0) {
      if ((await run(FIND))[0]?.checksum === what) return true
      throw new DatabaseUnavailable(`the database ${HALF_FILLED}`)
    }
    await run(CREATE_PROGRESS)
    const progress = { rows: 0, checksum: what, lastKey: undefined, isDone: false }
    await run(`INSERT INTO ${PROGRESS_TABLE} VALUES (?, ?, ?, ?, ?)`, progressValues(SOURCE_ROW, progress))
    return false
  })

/** What a database is being filled from, as `markImport` was told; `undefined` if it is not being filled. */
export const importUnderWay = (config: DatabaseConfig): Promise<string | undefined> =>
  withRun(config, async run =>
    (await run(TABLES[config.kind])).length > 0 ? ((await run(FIND))[0]?.checksum ?? undefined) : undefined,
  )

/** Whether a database is in use: it has accounts or rooms. */
export const holdsPeopleOrRooms = async (db: Database): Promise<boolean> => {
  for (const table of ['users', 'rooms'])
    if ((await db.get(db.prepare(`SELECT 1 AS found FROM ${table} LIMIT 1`))) !== undefined) return true
  return false
}

/** Lets servers take the database. */
export const finishImport = async (config: DatabaseConfig): Promise<void> => {
  const target = await openTarget(config)
  try {
    await target.complete()
    await target.finish()
  } finally {
    await target.close()
  }
}

const withRun = async <T>(config: DatabaseConfig, use: (run: Run) => Promise<T>): Promise<T> => {
  if (config.kind === 'postgres') {
    const client = await connectPostgres(config.url)
    try {
      return await use(
        async (sql, values = []) => (await client.query<ProgressRow>(numbered(sql), [...values])).rows,
      )
    } finally {
      await client.end()
    }
  }
  const { default: Sqlite } = await import('better-sqlite3')
  const database = new Sqlite(resolve(config.path), { timeout: 10_000 })
  try {
    return await use(async (sql, values = []) => {
      const statement = database.prepare<SqlValue[], ProgressRow>(sql)
      if (statement.reader) return statement.all(...values)
      statement.run(...values)
      return []
    })
  } finally {
    database.close()
  }
}
