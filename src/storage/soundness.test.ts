import { closeSync, openSync, statSync, writeSync } from 'node:fs'
import test from 'ava'
import Sqlite from 'better-sqlite3'
import pg from 'pg'
import { bothDatabases, sqliteConfig, testPostgres } from '../test-kit/database.ts'
import { inspectDatabase, unsoundIn } from './inspect.ts'
import { unsoundInPostgres } from './soundness.ts'

/** What a dump leaves behind that was read back in part. */
const ACCIDENTS = [
  'DROP TABLE relations',
  'DROP INDEX events_by_time',
  'DROP INDEX device_list_changes_age',
  'ALTER TABLE device_list_changes DROP COLUMN changed_ts',
]

const LACKING = [
  'the column changed_ts of device_list_changes is missing',
  'the index device_list_changes_age is missing',
  'the index events_by_time is missing',
]

bothDatabases(test, 'a database that is whole', async (t, _database, config) => {
  t.deepEqual(await unsoundIn(config), [])
})

test('sqlite: what a schema lacks that says it is up to date', async t => {
  const config = await sqliteConfig(t)
  const file = new Sqlite(config.path)
  for (const statement of ACCIDENTS) file.exec(statement)
  file.close()
  t.deepEqual(await inspectDatabase(config), { kind: 'usable', isCurrent: true })
  const unsound = await unsoundIn(config)
  t.true(unsound.includes('the table relations is missing'))
  for (const lacking of LACKING) t.true(unsound.includes(lacking), lacking)
})

testPostgres(test, 'what a schema lacks that says it is up to date', async (t, _database, { url }) => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.teardown(() => client.end())
  await client.query('BEGIN')
  for (const statement of ACCIDENTS) await client.query(statement)
  const unsound = await unsoundInPostgres(client)
  // The database is lent, and goes back as it was.
  await client.query('ROLLBACK')
  t.true(unsound.includes('the table relations is missing'))
  for (const lacking of LACKING) t.true(unsound.includes(lacking), lacking)
})

test('a file that is damaged in the middle', async t => {
  const config = await sqliteConfig(t)
  const handle = openSync(config.path, 'r+')
  const half = Math.floor(statSync(config.path).size / 8192) * 4096
  writeSync(handle, Buffer.alloc(32 * 4096, 0x5a), 0, 32 * 4096, half)
  closeSync(handle)
  const unsound = await unsoundIn(config)
  t.is(unsound.length, 1)
  t.regex(unsound.join(), /^it is damaged: /)
})

testPostgres(test, 'a server that stores nothing is no good one', async (t, _database, { url }) => {
  const readOnly = new URL(url)
  readOnly.searchParams.set('options', '-c default_transaction_read_only=on')
  await t.throwsAsync(inspectDatabase({ kind: 'postgres', url: readOnly.href }), {
    name: 'DatabaseUnavailable',
    message: /it is read-only/,
  })
})
