import { constants, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext, TestFn } from 'ava'
import type { Database } from '../storage/database.ts'
import { type DatabaseConfig, openDatabase } from '../storage/open.ts'
import { sqliteTemplate } from './templates.ts'

/** A body that is run on each kind of database; `config` opens the same database a second time. */
export type DatabaseTest = (t: ExecutionContext, database: Database, config: DatabaseConfig) => Promise<void>

/** Declares a test for every kind of database, each with an empty, migrated database of its own. */
export const testDatabases = (test: TestFn, name: string, body: DatabaseTest): void => {
  test(`sqlite: ${name}`, async t => {
    const config = await sqliteConfig(t)
    await body(t, await openFor(t, config), config)
  })
}

/** An empty, migrated SQLite database, closed and removed after the test. */
export const testDatabase = async (t: ExecutionContext): Promise<Database> =>
  openFor(t, await sqliteConfig(t))

/** Where such a database lies, for tests that open it themselves. */
export const sqliteConfig = async (t: ExecutionContext): Promise<DatabaseConfig & { kind: 'sqlite' }> => {
  const directory = mkdtempSync(join(tmpdir(), 'tessera-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'test.db')
  template ??= sqliteTemplate()
  copyFileSync(await template, path, constants.COPYFILE_FICLONE)
  return { kind: 'sqlite', path }
}

let template: Promise<string> | undefined

const openFor = async (t: ExecutionContext, config: DatabaseConfig): Promise<Database> => {
  const database = await openDatabase(config)
  t.teardown(() => database.close())
  return database
}
