import test from 'ava'
import { type Log, silentLog } from '../core/log.ts'
import { openDatabase } from '../storage/open.ts'
import { testPostgres } from '../test-kit/database.ts'
import { eventually } from '../test-kit/eventually.ts'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { Lease } from './lease.ts'
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
