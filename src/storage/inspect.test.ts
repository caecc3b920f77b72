import test from 'ava'
import pg from 'pg'
import { testDatabases, testPostgres } from '../test-kit/database.ts'
import { inspectDatabase } from './inspect.ts'

testDatabases(test, 'a look at a database says whether it is up to date', async (t, _database, config) => {
  t.deepEqual(await inspectDatabase(config), { kind: 'usable', isCurrent: true })
})

testPostgres(test, 'a PostgreSQL database that is empty, or not there', async (t, database, config) => {
  await database.close()
  const client = new pg.Client({ connectionString: config.url })
  await client.connect()
  await client.query('DROP SCHEMA public CASCADE')
  await client.query('CREATE SCHEMA public')
  await client.end()
  t.deepEqual(await inspectDatabase(config), { kind: 'usable', isCurrent: false })
  const elsewhere = { kind: 'postgres', url: 'postgres://localhost:1/none' } as const
  await t.throwsAsync(inspectDatabase(elsewhere), { name: 'DatabaseUnavailable', message: /ECONNREFUSED/ })
})
