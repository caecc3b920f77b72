import { join } from 'node:path'
import test from 'ava'
import type Sqlite from 'better-sqlite3'
import pg from 'pg'
import { testPostgres } from '../test-kit/database.ts'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'
import { DatabaseUnavailable } from './database.ts'
import { whereAllowed } from './dialect/postgres-questions.ts'
import { openSource } from './dump/open.ts'
import { inspectDatabase } from './inspect.ts'
import { migrate } from './migrate.ts'
import { openDatabase } from './open.ts'

test('a disk that is full while the schema is brought up to date is no fault of the program', async t => {
  const filename = join(temporaryDirectory(t), 'homeserver.db')
  const afterCreate = (connection: Sqlite.Database, done: (error: unknown, connection: object) => void) => {
    connection.pragma('max_page_count = 20')
    done(undefined, connection)
  }
  const connection = { filename }
  await t.throwsAsync(
    migrate({ client: 'better-sqlite3', connection, useNullAsDefault: true, pool: { afterCreate } }),
    {
      instanceOf: DatabaseUnavailable,
      message: 'the database cannot be brought up to date: database or disk is full',
    },
  )
})

testPostgres(test, 'a user that may make no tables is told what to do', async (t, database, { url }) => {
  await database.close()
  const client = new pg.Client(url)
  await client.connect()
  const role = `weak_${Date.now()}_${Math.floor(Math.random() * 1e6)}`
  t.teardown(async () => {
    await client.query(`DROP OWNED BY ${role}`)
    await client.query(`DROP ROLE ${role}`)
    await client.end()
  })
  await client.query(`CREATE ROLE ${role} LOGIN`)
  await client.query(`DROP SCHEMA public CASCADE`)
  await client.query(`CREATE SCHEMA public`)
  await client.query(`GRANT USAGE ON SCHEMA public TO ${role}`)
  const weak = new URL(url)
  weak.username = role
  const config = { kind: 'postgres', url: weak.href } as const
  const refused = {
    instanceOf: DatabaseUnavailable,
    message: /may make no tables in it: make that user its owner/,
  }
  await t.throwsAsync(openDatabase(config), refused)
  await t.throwsAsync(inspectDatabase(config), refused, 'tessera doctor says so beforehand')
  await client.query(`GRANT CREATE ON SCHEMA public TO ${role}`)
  await t.notThrowsAsync(async () => (await openDatabase(config)).close())
})

testPostgres(test, 'a user whose tables belong to another is told so', async (t, database, { url }) => {
  await database.close()
  const client = new pg.Client(url)
  await client.connect()
  const role = `heir_${Date.now()}_${Math.floor(Math.random() * 1e6)}`
  t.teardown(async () => {
    await client.query(`DROP OWNED BY ${role}`)
    await client.query(`DROP ROLE ${role}`)
    await client.end()
  })
  await client.query(`CREATE ROLE ${role} LOGIN`)
  await client.query(`GRANT ALL ON SCHEMA public TO ${role}`)
  const heir = new URL(url)
  heir.username = role
  const config = { kind: 'postgres', url: heir.href } as const
  const refused = {
    instanceOf: DatabaseUnavailable,
    message: new RegExp(
      `^the PostgreSQL database .* belong to the user .*, and it is connected to as ${role}: hand`,
    ),
  }
  await t.throwsAsync(openDatabase(config), refused)
  await t.throwsAsync(inspectDatabase(config), refused)
  await t.throwsAsync(openSource(config), refused)

  await client.query(`GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role}`)
  await (await openDatabase(config)).close()
  const asHeir = new pg.Client(heir.href)
  t.teardown(() => asHeir.end())
  await asHeir.connect()
  await asHeir.query('BEGIN')
  const change = () => asHeir.query('ALTER TABLE users ADD COLUMN more text')
  await t.throwsAsync(whereAllowed(asHeir, change), refused, 'as of a migration')
})
