import test from 'ava'
import { type Log, silentLog } from '../core/log.ts'
import { Leases } from '../storage/leases.ts'
import { openDatabase } from '../storage/open.ts'
import { testPostgres } from '../test-kit/database.ts'
import { eventually } from '../test-kit/eventually.ts'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { Lease, nameWithMark } from './lease.ts'
import { Processes } from './processes.ts'

testPostgres(
  test,
  'work that fails is left to another process at once, and tried again here after a while',
  async (t, database, config) => {
    const clock = new FakeClock()
    const closing = new AbortController()
    const name = 'test'
    let failures = 0
    const log: Log = { ...silentLog, error: () => void failures++ }
    const failing = new Processes({ database, clock, log: silentLog })
    let freed = 0
    failing.bulletin.on('lease free', () => freed++)
    const lease = new Lease({ database, name, holder: 'a', clock, log, bulletin: failing.bulletin })
    const failingRun = lease.run(closing.signal, async () => {
      throw new Error('it cannot be read')
    })
    await eventually('it has failed, and is free', () => failures > 0 && freed > 0)
    const any = database.prepare('UPDATE leases SET name = name WHERE name = ?')
    for (let time = 0; time < 50; time++)
      await database.commit({ statements: [{ prepared: any, rows: [['none']] }] })
    t.is(failures, 1, 'its own news that the lease is free is no reason to try again')
    await clock.advance(10_000)
    await eventually('it is tried again', () => failures === 2 && freed === 2)

    const otherDatabase = await openDatabase(config)
    t.teardown(() => otherDatabase.close())
    const other = new Processes({ database: otherDatabase, clock, log: silentLog })
    const otherLease = new Lease({
      ...{ database: otherDatabase, name, holder: 'b', clock, log: silentLog, bulletin: other.bulletin },
    })
    let worked = 0
    const otherRun = otherLease.run(closing.signal, async ({ signal }) => {
      worked += 1
      await clock.sleep(60_000, signal).catch(() => undefined)
    })
    await eventually('the other does it', () => worked === 1)
    closing.abort()
    await Promise.all([failingRun, otherRun])
    await failing.close()
    await other.close()
  },
)

testPostgres(
  test,
  'a lease is taken that somebody who is gone seems to hold for long, as by a clock that was ahead',
  async (t, database) => {
    const clock = new FakeClock()
    const closing = new AbortController()
    const leases = new Leases(database)
    const gone = { name: 'test', holder: 'gone' }
    const year = 365 * 86_400_000
    const hold = (ahead: number) =>
      database.commit({
        statements: [leases.take(gone, { now: clock.now(), until: clock.now() + ahead }, 'lease')],
      })
    await hold(year)
    let looks = 0
    let worked = 0
    const lease = new Lease({ ...gone, database, holder: 'here', clock, log: silentLog })
    const running = lease.run(
      closing.signal,
      async ({ signal }) => {
        worked += 1
        await clock.sleep(year, signal).catch(() => undefined)
      },
      () => looks++,
    )
    const look = async (): Promise<void> => {
      const before = looks + worked
      await eventually('it waits for its next look', () => clock.sleeping > 0)
      await clock.advance(10_000)
      await eventually('it has looked', () => looks + worked > before)
    }
    await eventually('it has looked', () => looks === 1)
    for (let renewals = 0; renewals < 4; renewals++) {
      await hold(year + 1)
      await look()
    }
    t.is(worked, 0, 'somebody whose clock is ahead is there, and renews it')
    for (let time = 0; time < 3; time++) await look()
    t.is(worked, 0)
    await look()
    t.is(worked, 1)
    closing.abort()
    await running
  },
)

testPostgres(
  test,
  'a lease that is given up is free at once, also by a clock that is behind',
  async (t, database) => {
    const ahead = new FakeClock()
    const behind = new FakeClock(ahead.now() - 5_000)
    const lease = (holder: string, clock: FakeClock) => {
      const { bulletin } = new Processes({ database, clock, log: silentLog })
      t.teardown(() => bulletin.close())
      return new Lease({ database, name: 'test', holder, clock, log: silentLog, bulletin })
    }
    const worked: string[] = []
    const workOf = (name: string, clock: FakeClock) => async (held: { readonly signal: AbortSignal }) => {
      worked.push(name)
      await clock.sleep(60_000, held.signal).catch(() => undefined)
    }
    const [first, second] = [new AbortController(), new AbortController()]
    const ofFirst = lease('first', ahead).run(first.signal, workOf('first', ahead))
    await eventually('the first does it', () => worked.length === 1)
    const waiting = Promise.withResolvers<void>()
    const ofSecond = lease('second', behind).run(second.signal, workOf('second', behind), waiting.resolve)
    await waiting.promise
    first.abort()
    await ofFirst
    await eventually('the second does it', () => worked.length === 2)
    second.abort()
    await ofSecond
    t.deepEqual(worked, ['first', 'second'])
  },
)

testPostgres(
  test,
  'a lease whose holder has no connection any more is taken soon, and that of one who has is not',
  async (t, database, config) => {
    const clock = new FakeClock()
    const closing = new AbortController()
    const killed = await openDatabase(config)
    t.teardown(() => killed.close())
    const held = { name: 'test', holder: nameWithMark('killed', killed.mark) }
    const until = clock.now() + 3_600_000
    const leases = new Leases(killed)
    await killed.commit({ statements: [leases.take(held, { now: clock.now(), until }, 'lease')] })
    let looks = 0
    let worked = 0
    const lease = new Lease({ ...held, database, holder: 'here', clock, log: silentLog })
    const work = async ({ signal }: { readonly signal: AbortSignal }): Promise<void> => {
      worked += 1
      await clock.sleep(3_600_000, signal).catch(() => undefined)
    }
    const running = lease.run(closing.signal, work, () => looks++)
    const look = async (ms: number): Promise<void> => {
      const before = looks + worked
      await eventually('it waits for its next look', () => clock.sleeping > 0)
      await clock.advance(ms)
      await eventually('it has looked', () => looks + worked > before)
    }
    await eventually('it has looked', () => looks === 1)
    await look(10_000)
    t.is(worked, 0, 'whoever is connected holds it')
    await killed.close()
    await eventually('it is gone', () => database.isGone(killed.mark ?? 0))
    await look(10_000)
    t.is(worked, 0, 'it may be connected again in a moment')
    await look(3_000)
    t.is(worked, 1)
    const late = leases.stillHeld({ ...held, fence: 1 })
    const refused = await database.commit({ statements: [late] })
    t.like(refused, { ok: false, guard: 'lease' }, 'what it would still write does not count')
    closing.abort()
    await running
  },
)
