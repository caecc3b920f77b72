import test from 'ava'
import { silentLog } from '../../core/log.ts'
import { parseStreamToken } from '../../core/stream-token.ts'
import { openDatabase } from '../../storage/open.ts'
import { testPostgres } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { Processes } from '../processes.ts'
import { Connection } from './connection.ts'
import { Handover } from './handover.ts'

testPostgres(
  test,
  'a connection goes where its client goes; whether it is gone is known at once',
  async (t, db, config) => {
    const other = await openDatabase(config)
    t.teardown(() => other.close())
    // It stands still: whoever waited for the end of somebody's patience would wait for ever.
    const clock = new FakeClock()
    const start = (database: typeof db) => {
      const processes = new Processes({ database, clock, log: silentLog })
      const connections = new Map<string, Connection>()
      const take = (key: string, serial: number): Connection | undefined => {
        const found = connections.get(key)
        if (found?.has(serial) !== true) return undefined
        connections.delete(key)
        return found
      }
      return { processes, connections, handover: new Handover({ processes, clock, take }) }
    }
    const [one, two] = [start(db), start(other)]
    const [numberOfOne = 0, numberOfTwo = 0] = [one.processes.number, two.processes.number]
    const fromOne = new Connection(5, numberOfOne)
    one.connections.set('a', fromOne)
    t.is(parseStreamToken(fromOne.answer(5, {}, new Map()))?.maker, numberOfOne)

    t.is(await two.handover.fetch('unknown', 5, numberOfOne), undefined)
    t.is(await two.handover.fetch('a', 4, numberOfOne), undefined, 'not by an older token')
    t.is(await one.handover.fetch('unknown', 5, numberOfOne), undefined)
    const both = await Promise.all([1, 2].map(() => two.handover.fetch('a', 6, numberOfOne)))
    const [moved, again] = both
    t.is(again, moved, 'who asks twice at once gets the same')
    t.true(moved?.resume(6))
    t.is(one.connections.size, 0)
    if (moved === undefined) return
    t.is(parseStreamToken(moved.answer(6, {}, new Map()))?.maker, numberOfTwo)

    // The answer was lost, and the client comes back with the token from before.
    two.connections.set('a', moved)
    t.true((await one.handover.fetch('a', 6, numberOfOne))?.has(6))
    t.is(await one.handover.fetch('a', 6, numberOfOne), undefined, 'it has come back since, and is gone')

    await one.processes.close()
    await eventually('its end is heard of', () => two.processes.isGone(numberOfOne))
    t.is(await two.handover.fetch('a', 6, numberOfOne), undefined)
    await two.processes.close()
  },
)
