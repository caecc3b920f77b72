import { constants, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext, TestFn } from 'ava'
import type { Database } from '../storage/database.ts'
import { type DatabaseConfig, openDatabase } from '../storage/open.ts'
import { keepDatabases, lendPostgresDatabase } from './kept-postgres.ts'
import { sqliteTemplate } from './templates.ts'
import { Turns } from './turns.ts'
import { databasesFor } from './which-databases.ts'

/** A body that is run on each kind of database; `config` opens the same database a second time. */
export type DatabaseTest = (t: ExecutionContext, database: Database, config: DatabaseConfig) => Promise<void>

/**
 * Declares a test for every kind of database, each with an empty, migrated database of its own; for one of them where one
 * is to do (`which-databases.ts`). PostgreSQL is found through `TESSERA_TEST_POSTGRES`, which `npm test` sets; without it its
 * tests are skipped, or fail where `CI` is set.
 */
export const testDatabases = (test: TestFn, name: string, body: DatabaseTest): void => {
  const kinds = databasesFor(name)
  if (kinds.includes('sqlite')) testSqlite(test, name, body)
  if (kinds.includes('postgres')) testPostgres(test, name, body)
}

/** The same for both, always: for what the databases themselves have to hold. */
export const bothDatabases = (test: TestFn, name: string, body: DatabaseTest): void => {
  testSqlite(test, name, body)
  testPostgres(test, name, body)
}

const testSqlite = (test: TestFn, name: string, body: DatabaseTest): void =>
  test(`sqlite: ${name}`, async t => {
    const config = await sqliteConfig(t)
    await body(t, await openFor(t, config), config)
  })

/** The same for PostgreSQL alone: for what only a server can go through. */
export const testPostgres = (
  test: TestFn,
  name: string,
  body: (t: ExecutionContext, database: Database, config: PostgresConfig) => Promise<void>,
): void => {
  const title = `postgres: ${name}`
  const server = process.env['TESSERA_TEST_POSTGRES']
  if (server !== undefined) {
    keepDatabases(test)
    test(title, async t => {
      await turns.take()
      t.teardown(() => turns.giveBack())
      const lent = await lendPostgresDatabase(server)
      // A test whose time is over goes on: the next one is not to find what it writes, nor to lose connections that it ends.
      t.teardown(() => (t.passed ? lent.giveBack() : lent.end()))
      const { url, connect } = lent
      const config = { kind: 'postgres', url, connect } as const
      await body(t, await openFor(t, config), config)
    })
  } else if (process.env['CI'] !== undefined) {
    test(title, t => t.fail('PostgreSQL is missing: TESSERA_TEST_POSTGRES is not set'))
  } else {
    mentionSkipping()
    test.skip(title, t => t.pass())
  }
}

export type SqliteConfig = DatabaseConfig & { readonly kind: 'sqlite' }
export type PostgresConfig = DatabaseConfig & { readonly kind: 'postgres' }

/** An empty, migrated SQLite database, closed and removed after the test. */
export const testDatabase = async (t: Pick<ExecutionContext, 'teardown'>): Promise<Database> =>
  openFor(t, await sqliteConfig(t))

/** Where such a database lies, for tests that open it themselves. */
export const sqliteConfig = async (t: Pick<ExecutionContext, 'teardown'>): Promise<SqliteConfig> => {
  const directory = mkdtempSync(join(tmpdir(), 'tessera-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'test.db')
  template ??= sqliteTemplate()
  copyFileSync(await template, path, constants.COPYFILE_FICLONE)
  return { kind: 'sqlite', path }
}

let template: Promise<string> | undefined

const openFor = async (t: Pick<ExecutionContext, 'teardown'>, config: DatabaseConfig): Promise<Database> => {
  const database = await openDatabase(config)
  t.teardown(() => database.close())
  return database
}

/** The tests of a file start all at once, and each takes several connections of a server that has not that many. */
const turns = new Turns(4)

let mentioned = false

const mentionSkipping = (): void => {
  if (!mentioned)
    console.warn('PostgreSQL is not tested: run the tests through npm test, or set TESSERA_TEST_POSTGRES')
  mentioned = true
}
