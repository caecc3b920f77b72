import test from 'ava'
import { silentLog } from '../core/log.ts'
import type { Database } from '../storage/database.ts'
import { openDatabase } from '../storage/open.ts'
import { bothDatabases } from '../test-kit/database.ts'
import { eventually } from '../test-kit/eventually.ts'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { DueWork, type DueWorkParts } from './due-work.ts'

/** A table of things to do, what has been done, and whoever does it. */
const chores = async (database: Database) => {
  const text = database.dialect.name === 'sqlite' ? 'text' : 'text COLLATE "C"'
  const create = database.prepare(
    `CREATE TABLE chores (
       name ${text} PRIMARY KEY, room ${text} NOT NULL, due_ts bigint NOT NULL, wake_ts bigint)`,
  )
  await database.commit({ statements: [{ prepared: create, rows: [[]] }] })
  const insert = database.prepare('INSERT INTO chores (name, room, due_ts, wake_ts) VALUES (?, ?, ?, ?)')
  const count = database.prepare('SELECT count(*) AS n FROM chores')
  return {
    store: (...due: [name: string, dueTs: number][]) =>
      database.commit({
        statements: [{ prepared: insert, rows: due.map(([name, ts]) => [name, name.slice(0, 4), ts, ts]) }],
      }),
    left: async () => (await database.get<{ n: number }>(count))?.n,
  }
}

const doer = (
  database: Database,
  clock: FakeClock,
  done: (name: string) => void | Promise<void>,
  options: Partial<DueWorkParts> = {},
): DueWork => {
  const remove = database.prepare('DELETE FROM chores WHERE name = ?')
  return new DueWork({
    ...{ database, clock, log: silentLog, table: { name: 'chores', key: 'name' } },
    perform: async (row, rows) => {
      await done(row.key)
      await database.commit({
        statements: [rows.stillHeld(row), { prepared: remove, rows: [[row.key]] }],
      })
    },
    ...options,
  })
}

/** Waits until it has nothing to do. */
const asleep = (clock: FakeClock, sleepers = 1) => eventually('it sleeps', () => clock.sleeping === sleepers)

bothDatabases(
  test,
  'due work is done at its time, in order, whatever was stored first',
  async (t, database) => {
    const clock = new FakeClock(1_000_000)
    const { store, left } = await chores(database)
    const done: [string, number][] = []
    const work = doer(database, clock, name => void done.push([name, clock.now()]))
    await store(['overdue', 999_000], ['later', 1_010_000])
    work.start()
    await asleep(clock)
    t.deepEqual(done, [['overdue', 1_000_000]], 'what was due while nothing ran is done at the start')
    await store(['sooner', 1_005_000])
    work.expect(1_005_000)
    await asleep(clock)
    await clock.advance(4_999)
    t.is(done.length, 1)
    await clock.advance(1)
    await eventually('the second is done', async () => (await left()) === 1)
    await asleep(clock)
    await clock.advance(5_000)
    await eventually('all are done', async () => (await left()) === 0)
    t.deepEqual(done.slice(1), [
      ['sooner', 1_005_000],
      ['later', 1_010_000],
    ])
    await work.close()
  },
)

bothDatabases(test, 'two processes share the work and double none of it', async (t, database, config) => {
  const clock = new FakeClock(1_000_000)
  const { store, left } = await chores(database)
  const other = await openDatabase(config)
  t.teardown(() => other.close())
  const done: string[] = []
  const works = [database, other].map(each => doer(each, clock, name => void done.push(name)))
  const names = Array.from({ length: 130 }, (_, index) => `chore ${index}`)
  await store(...names.map((name, index): [string, number] => [name, 900_000 + index]))
  for (const work of works) work.start()
  await eventually('all are done', async () => (await left()) === 0)
  t.deepEqual(done.toSorted(), names.toSorted())
  await Promise.all(works.map(work => work.close()))
})

bothDatabases(
  test,
  'what fails, or was held by a process that died, is done when the hold runs out',
  async (t, database) => {
    const clock = new FakeClock(1_000_000)
    const { store, left } = await chores(database)
    const tried: string[] = []
    const work = doer(database, clock, name => {
      tried.push(name)
      if (name === 'fails at first' && tried.filter(each => each === name).length === 1)
        throw new Error('not yet')
    })
    await store(['fails at first', 999_000], ['held', 999_500])
    // Another process has taken both, and is never heard of again.
    await database.commit({ statements: [work.rows.take(999_999, 1_030_000, 10, 'taken')] })
    await store(['alone', 999_700])
    work.start()
    await asleep(clock)
    t.deepEqual(tried, ['alone'])
    await clock.advance(30_000)
    await eventually('one is left', async () => (await left()) === 1)
    await asleep(clock)
    t.deepEqual(tried, ['alone', 'fails at first', 'held'])
    await clock.advance(60_000)
    await eventually('none is left', async () => (await left()) === 0)
    await work.close()
  },
)

bothDatabases(
  test,
  'what another process has stored, or held, and not lived to do is no later than was said',
  async (t, database) => {
    const clock = new FakeClock(1_000_000)
    const { store, left } = await chores(database)
    const done: [string, number][] = []
    const note = (name: string): void => void done.push([name, clock.now()])
    const work = doer(database, clock, note, { maxLateMs: 25_000 })
    work.start()
    await asleep(clock)
    // Nobody tells of it.
    await store(['untold', 1_000_001])
    await clock.advance(25_000)
    await eventually('it is done', async () => (await left()) === 0)
    await work.close()

    const dies = doer(database, clock, note, { maxLateMs: 25_000, perform: async () => undefined })
    await store(['held', 1_025_000])
    dies.start()
    await asleep(clock)
    await dies.close()
    const next = doer(database, clock, note)
    next.start()
    await asleep(clock)
    await clock.advance(25_000)
    await eventually('it is done', async () => (await left()) === 0)
    await next.close()
    t.deepEqual(done, [
      ['untold', 1_025_000],
      ['held', 1_050_000],
    ])
  },
)

bothDatabases(test, 'closing finishes what has begun and gives back the rest', async (t, database) => {
  const clock = new FakeClock(1_000_000)
  const { store, left } = await chores(database)
  const begun = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  const work = doer(database, clock, async () => {
    begun.resolve()
    await finish.promise
  })
  await store(['first', 999_000], ['second', 999_001])
  work.start()
  await begun.promise
  const closed = work.close()
  finish.resolve()
  await closed
  t.is(await left(), 1)
  t.is(await work.rows.earliest(), 1_000_000, 'whoever comes next need not wait for the hold to run out')
})

bothDatabases(test, 'lanes do not wait for each other', async (t, database) => {
  const clock = new FakeClock(1_000_000)
  const { store, left } = await chores(database)
  const finish = Promise.withResolvers<void>()
  const work = doer(database, clock, name => (name.startsWith('slow') ? finish.promise : undefined), {
    table: { name: 'chores', key: 'name', lane: 'room' },
  })
  await store(['slow 1', 999_000], ['slow 2', 999_001], ['fast 1', 999_002])
  work.start()
  await eventually('the fast one is done', async () => (await left()) === 2)
  finish.resolve()
  await eventually('all are done', async () => (await left()) === 0)
  await work.close()
  t.is(clock.sleeping, 0)
})
