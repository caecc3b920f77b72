import test, { type ExecutionContext, type TestFn } from 'ava'
import type { Database } from '../storage/database.ts'
import { openDatabase } from '../storage/open.ts'
import { testPostgres } from './database.ts'
import { type LentDatabase, lendPostgresDatabase } from './kept-postgres.ts'

/** Has no other tests on its shelf. */
const lend = (title: string): Promise<LentDatabase> => {
  const url = new URL(process.env['TESSERA_TEST_POSTGRES'] ?? '')
  url.searchParams.set('application_name', title)
  return lendPostgresDatabase(url.href)
}

const using = async (lent: LentDatabase, body: (database: Database) => Promise<void>): Promise<void> => {
  const database = await openDatabase({ kind: 'postgres', url: lent.url, connect: lent.connect })
  await body(database).finally(() => database.close())
}

const run = (database: Database, sql: string) =>
  database.commit({ statements: [{ prepared: database.prepare(sql), rows: [[]] }] })

const processOf = async (database: Database): Promise<unknown> =>
  (await database.get(database.prepare('SELECT pg_backend_pid() AS pid')))?.['pid']

testPostgres(test, 'a database is given to the next test as the first one has got it', async t => {
  const first = await lend('kept')
  let [process, streams]: unknown[] = []
  await using(first, async database => {
    const read = database.prepare('SELECT name, position FROM streams')
    streams = await database.all(read)
    process = await processOf(database)
    await run(database, "INSERT INTO followed_streams (name, position) VALUES ('x', 5)")
    const prepared = database.prepare('INSERT INTO followed_streams (name, position) VALUES (?, ?)')
    await database.commit({ statements: [{ prepared, rows: [['y', { stream: 'events', offset: 6 }]] }] })
    t.is(database.position('events'), 7)
  })
  await first.giveBack()
  const next = await lend('kept')
  t.is(next.url, first.url)
  await using(next, async database => {
    t.is(await processOf(database), process, 'by the same connection')
    t.is(database.position('events'), 0)
    t.deepEqual(await database.all(database.prepare('SELECT name, position FROM streams')), streams)
    t.deepEqual(await database.all(database.prepare('SELECT name FROM followed_streams')), [])
  })
  await next.giveBack()
})

testPostgres(
  test,
  'one whose schema was changed, or that somebody still has, is given to nobody',
  async t => {
    for (const sql of ['CREATE TABLE mine (id bigint)', 'UPDATE schema_info SET version = 100000']) {
      const lent = await lend('changed')
      await using(lent, async database => {
        await run(database, sql)
      })
      await lent.giveBack()
      const other = await lend('changed')
      t.not(other.url, lent.url, sql)
      await other.giveBack()
    }
    const lent = await lend('held')
    const database = await openDatabase({ kind: 'postgres', url: lent.url })
    t.teardown(() => database.close())
    await lent.giveBack()
    const other = await lend('held')
    t.not(other.url, lent.url)
    await other.giveBack()
  },
)

testPostgres(test, 'nobody is given the database of a test that has failed, which may go on', async t => {
  const urls: string[] = []
  /** Runs what is declared at once, as a test that fails. */
  const failing = async (): Promise<void> => {
    const runs: Promise<void>[] = []
    const run = async (_title: string, body: (t: ExecutionContext) => Promise<void>): Promise<void> => {
      const ends: (() => unknown)[] = []
      await body({ passed: false, teardown: (end: () => unknown) => ends.unshift(end) } as never)
      for (const end of ends) await end()
    }
    const declare = (title: string, body: (t: ExecutionContext) => Promise<void>) =>
      runs.push(run(title, body))
    testPostgres(declare as unknown as TestFn, 'it', async (_, _database, { url }) => void urls.push(url))
    await Promise.all(runs)
  }
  await failing()
  await failing()
  t.is(urls.length, 2)
  t.not(urls[0], urls[1])
})
