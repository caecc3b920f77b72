import test from 'ava'
import { ConstraintError, DatabaseUnavailable } from '../storage/database.ts'
import { SqliteDatabase } from '../storage/dialect/sqlite.ts'
import { SqliteThread } from '../storage/dialect/sqlite-thread.ts'
import { sqliteConfig } from '../test-kit/database.ts'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { Health } from './health.ts'

const full = (): DatabaseUnavailable => new DatabaseUnavailable('database or disk is full')

test('a database that is read from, but stores nothing, is no good health', async t => {
  const { path } = await sqliteConfig(t)
  const clock = new FakeClock()
  const health = new Health(clock)
  const failures: unknown[] = []
  let isFull = false
  const thread = new SqliteThread('writer-worker', SqliteDatabase.textOf)
  const database = new SqliteDatabase(path, {
    meter: health.watching({ committed: () => undefined, failed: error => failures.push(error) }),
    helpers: {
      writer: { request: async (...asked) => (isFull ? Promise.reject(full()) : thread.request(...asked)) },
      reader: thread,
    },
  })
  t.teardown(() => database.close())
  const check = health.checkOf(database)
  const write = () => database.commit({ statements: [] })

  await check()
  isFull = true
  await check()
  await t.throwsAsync(write, { message: /full/ })
  await t.throwsAsync(check, { instanceOf: DatabaseUnavailable })
  await t.throwsAsync(check, { instanceOf: DatabaseUnavailable })
  t.is(failures.length, 3)

  isFull = false
  await check()
  t.is(failures.length, 3)
  const held = database.prepare('SELECT 1 FROM leases WHERE held_until_ts > 0')
  t.is(await database.get(held), undefined, 'as of a server that runs')
})

test('what was refused for what it says tells nothing of the database', async t => {
  const { path } = await sqliteConfig(t)
  const health = new Health(new FakeClock())
  const seen: string[] = []
  const meter = { committed: () => void seen.push('committed'), failed: () => void seen.push('failed') }
  const database = new SqliteDatabase(path, { meter: health.watching(meter) })
  t.teardown(() => database.close())
  const insert = database.prepare(
    'INSERT INTO leases (name, holder, fence, held_until_ts) VALUES (?, ?, 1, 0)',
  )
  await database.commit({ statements: [] })
  await t.throwsAsync(database.commit({ statements: [{ prepared: insert, rows: [[null, null]] }] }), {
    instanceOf: ConstraintError,
  })
  const before = [...seen]
  await health.checkOf(database)()
  t.true(before.includes('failed'))
  t.deepEqual(seen, before)
})

test('a process that has stored nothing for a while finds out whether it could', async t => {
  const { path } = await sqliteConfig(t)
  const clock = new FakeClock()
  const health = new Health(clock)
  let isReadOnly = false
  const thread = new SqliteThread('writer-worker', SqliteDatabase.textOf)
  let asked = 0
  const database = new SqliteDatabase(path, {
    meter: health.watching({ committed: () => undefined, failed: () => undefined }),
    helpers: {
      writer: {
        request: async (...request) => {
          asked += 1
          return isReadOnly ? Promise.reject(full()) : thread.request(...request)
        },
      },
      reader: thread,
    },
  })
  t.teardown(() => database.close())
  const check = health.checkOf(database)

  await check()
  await clock.advance(9_999)
  await check()
  t.is(asked, 1, 'what was stored just now tells enough')
  isReadOnly = true
  await clock.advance(1)
  await t.throwsAsync(check, { instanceOf: DatabaseUnavailable }, 'nobody else has tried to store anything')
  isReadOnly = false
  await check()
})
