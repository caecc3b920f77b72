import test from 'ava'
import { silentLog } from '../../core/log.ts'
import { parseStreamToken } from '../../core/stream-token.ts'
import { openDatabase } from '../../storage/open.ts'
import { testPostgres } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { Processes } from '../processes.ts'
import { Connection, type Told } from './connection.ts'
import { Connections } from './connections.ts'
import { Handover } from './handover.ts'
import type { SentRoom } from './sent-room.ts'

const SENT: SentRoom = {
  ...{ kind: 'joined', upTo: 1, timelineLimit: 1, requiredState: undefined },
  ...{ isDirect: false, members: new Map() },
}
const TOLD: Told = { positions: {}, rooms: new Map([['!a', SENT]]), owed: {} }
const ME = { userId: '@me:x', deviceId: 'A', name: '' }

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
      const find = (key: string, serial: number): Connection | undefined => {
        const found = connections.get(key)
        return found?.has(serial) === true ? found : undefined
      }
      const handover = new Handover({ processes, clock, random: () => 1_000, find })
      return { processes, connections, handover }
    }
    const [one, two] = [start(db), start(other)]
    const [numberOfOne = 0, numberOfTwo = 0] = [one.processes.number, two.processes.number]
    const fromOne = new Connection({ serial: 5, openedAt: 1, maker: numberOfOne })
    one.connections.set('a', fromOne)
    t.is(parseStreamToken(fromOne.answer(5, { ...TOLD, positions: {} }))?.maker, numberOfOne)

    t.is(await two.handover.fetch('unknown', 5, numberOfOne), undefined)
    t.is(await two.handover.fetch('a', 4, numberOfOne), undefined, 'not by an older token')
    t.is(await one.handover.fetch('unknown', 5, numberOfOne), undefined)
    const both = await Promise.all([1, 2].map(() => two.handover.fetch('a', 6, numberOfOne)))
    const [moved, again] = both
    t.is(again, moved, 'who asks twice at once gets the same')
    t.true(moved?.resume(6))
    if (moved === undefined) return
    t.is(parseStreamToken(moved.answer(6, { ...TOLD, positions: {} }))?.maker, numberOfTwo)

    // It was forgotten where it was, and its client comes back there with the token from before.
    two.connections.set('a', moved)
    one.connections.delete('a')
    t.true((await one.handover.fetch('a', 6, numberOfOne))?.has(6))
    two.connections.delete('a')
    t.is(await one.handover.fetch('a', 6, numberOfOne), undefined, 'it has come back since, and is gone')

    await one.processes.close()
    await eventually('its end is heard of', () => two.processes.isGone(numberOfOne))
    t.is(await two.handover.fetch('a', 6, numberOfOne), undefined)
    await two.processes.close()
  },
)

testPostgres(
  test,
  'a connection that was sent very many members goes without them',
  async (t, db, config) => {
    const other = await openDatabase(config)
    t.teardown(() => other.close())
    const clock = new FakeClock()
    const big = new Connection({ serial: 5, openedAt: 1 })
    const members = new Map(Array.from({ length: 500 }, (_, index) => [`@user${index}:here.test`, index]))
    const room = {
      kind: 'joined',
      upTo: 1,
      timelineLimit: 1,
      requiredState: undefined,
      isDirect: false,
    } as const
    const rooms = new Map(Array.from({ length: 200 }, (_, index) => [`!${index}`, { ...room, members }]))
    big.answer(5, { ...TOLD, rooms })
    const start = (database: typeof db, find: () => Connection | undefined) => {
      const processes = new Processes({ database, clock, log: silentLog })
      t.teardown(() => processes.close())
      return { processes, handover: new Handover({ processes, clock, random: () => 1_000, find }) }
    }
    const one = start(db, () => big)
    const two = start(other, () => undefined)
    const moved = await two.handover.fetch('a', 6, one.processes.number)
    t.true(moved?.resume(6))
    t.is(moved?.rooms.size, 200)
    t.is(moved?.rooms.get('!1')?.members.size, 0)
  },
)

testPostgres(
  test,
  'a request that was given up and comes late does not call a connection back from where its client goes on',
  async (t, db, config) => {
    const other = await openDatabase(config)
    t.teardown(() => other.close())
    const clock = new FakeClock()
    const start = (database: typeof db, first: number) => {
      let next = first
      const random = (): number => next++ * 1_000
      const processes = new Processes({ database, clock, log: silentLog })
      t.teardown(() => processes.close())
      const connections = new Connections({ random, now: () => clock.now(), maker: processes.number })
      const find: Connections['find'] = (key, serial) => connections.find(key, serial)
      const handover = new Handover({ processes, clock, random, find })
      connections.other = {
        ...connections.other,
        elsewhere: (...wanted) => handover.fetch(...wanted),
      }
      return connections
    }
    const [one, two] = [start(db, 1), start(other, 50)]
    const begun = one.open(ME)
    const pos = begun.answer(begun.serial, { ...TOLD, positions: { events: 1 } })
    const going = await two.resume(ME, pos)
    const late = await one.resume(ME, pos)
    const given = late.answer(late.serial, { ...TOLD, positions: { events: 2 } })
    const next = going.answer(going.serial, { ...TOLD, positions: { events: 3 } })
    for (const connections of [two, one]) {
      const { positions } = await connections.resume(ME, next)
      t.is(positions.events, 3)
    }
    await t.throwsAsync(two.resume(ME, given), { message: /begin anew/ })
  },
)
