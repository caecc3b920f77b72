import test from 'ava'
import pg from 'pg'
import { bothDatabases, testPostgres } from '../test-kit/database.ts'
import { DatabaseUnavailable } from './database.ts'
import { inspectDatabase, refuseServed } from './inspect.ts'
import { Leases } from './leases.ts'

bothDatabases(test, 'a look at a database says whether it is up to date', async (t, _database, config) => {
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

testPostgres(
  test,
  'a PostgreSQL database is served as long as somebody holds a lease',
  async (t, database, config) => {
    const lease = new Leases(database).take(
      { name: 'push', holder: 'a' },
      { now: 1_000, until: 31_000 },
      'fence',
    )
    await refuseServed(config, 1_000)
    await database.commit({ statements: [lease] })
    await t.throwsAsync(refuseServed(config, 30_999), {
      instanceOf: DatabaseUnavailable,
      message: /^a server is running/,
    })
    await refuseServed(config, 31_000)
  },
)
