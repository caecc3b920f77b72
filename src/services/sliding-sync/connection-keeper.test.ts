import assert from 'node:assert/strict'
import test from 'ava'
import { silentLog } from '../../core/log.ts'
import type { Database } from '../../storage/database.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import type { Connection, Told } from './connection.ts'
import { ConnectionKeeper } from './connection-keeper.ts'
import { type ConnectionToken, parseConnectionToken } from './connection-token.ts'
import { Connections } from './connections.ts'
import type { SentRoom } from './sent-room.ts'

const NEVER = new AbortController().signal
const MINUTE_MS = 60_000

const sent = (upTo: number): SentRoom => ({
  ...{ kind: 'joined', upTo, timelineLimit: 1, requiredState: undefined },
  ...{ isDirect: false, members: new Map([['@me:x', 5]]) },
})
const told = (upTo: number, roomId = '!a:x'): Told => ({
  ...{ positions: { events: upTo }, rooms: new Map([[roomId, sent(upTo)]]), owed: {} },
})

const me = (name: string, deviceId = 'A') => ({ userId: '@me:x', deviceId, name })

/** A process with what it keeps, which counts what it commits. */
const start = (database: Database, clock: FakeClock, first: number, max?: number) => {
  let next = first
  const random = (): number => next++ * 1_000
  const connections = new Connections({ random, now: () => clock.now(), max })
  const counted = { commits: 0 }
  const counting: Database = new Proxy(database, {
    get: (target, name) => {
      if (name === 'commit') counted.commits += 1
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const keeper = new ConnectionKeeper({
    ...{ database: counting, clock, log: silentLog, random, maker: undefined },
  })
  keeper.inMemory = () => connections.all()
  connections.other = {
    ...connections.other,
    stored: (...wanted) => keeper.load(...wanted),
    leave: (...gone) => keeper.leave(...gone),
    leaving: (...wanted) => keeper.leaving(...wanted),
  }
  /** How many commits a round takes. */
  const round = async (): Promise<number> => {
    const before = counted.commits
    await keeper.round(NEVER)
    return counted.commits - before
  }
  return { connections, keeper, round }
}

/** The client takes a response that tells of a room. */
const goOn = async (connections: Connections, name: string, from: Connection, upTo: number) => {
  const pos = from.answer(from.serial, told(upTo))
  return { pos, connection: await connections.resume(me(name), pos) }
}

const stored = async (database: Database, keys = 'device_id, name'): Promise<string[]> => {
  const text = `SELECT ${keys.replace(', ', " || ' ' || ")} AS row FROM sliding_connections`
  return (await database.all<{ row: string }>(database.prepare(text))).map(({ row }) => row).toSorted()
}

const tokenOf = (pos: string): ConnectionToken => {
  const token = parseConnectionToken(pos)
  assert.ok(token)
  return token
}

testDatabases(
  test,
  'what clients were told of rooms is stored now and then, and polls that tell of none cost nothing',
  async (t, database) => {
    const clock = new FakeClock()
    const { connections, round } = start(database, clock, 1)
    const opened = connections.open(me('main'))
    opened.answer(opened.serial, told(10))
    t.is(await round(), 0, 'a client that has not come back may have gone')
    let { connection } = await goOn(connections, 'main', opened, 20)
    t.is(await round(), 1)
    t.is(await round(), 0)
    for (let poll = 0; poll < 5; poll++) {
      const { owed } = connection
      const idle = { positions: { events: 30 + poll }, rooms: new Map(), owed }
      connection = await connections.resume(me('main'), connection.answer(connection.serial, idle))
      await clock.advance(15 * MINUTE_MS)
    }
    t.is(await round(), 0)
    const { pos } = await goOn(connections, 'main', connection, 40)
    t.is(await round(), 1)
    await goOn(connections, 'main', connection, 50)
    t.is(await round(), 0, 'not with each of them')
    await clock.advance(10 * MINUTE_MS)
    t.is(await round(), 1)
    await clock.advance(25 * 60 * MINUTE_MS)
    t.is(await round(), 0, 'nobody has come')
    const last = connection.answer(connection.serial, {
      ...told(60),
      rooms: new Map(),
      owed: connection.owed,
    })
    await connections.resume(me('main'), last)
    await clock.advance(25 * 60 * MINUTE_MS)
    t.is(await round(), 1, 'for it not to expire')
    t.is(await round(), 0)
    await t.throwsAsync(connections.resume(me('main'), pos), { message: /begin anew/ })
  },
)

testDatabases(
  test,
  'a connection that was read is stored again no sooner than others, unless it goes from memory',
  async (t, database) => {
    const clock = new FakeClock()
    const one = start(database, clock, 1)
    const { pos } = await goOn(one.connections, 'main', one.connections.open(me('main')), 20)
    await one.round()
    const two = start(database, clock, 100, 3)
    const next = await goOn(two.connections, 'main', await two.connections.resume(me('main'), pos), 40)
    t.is(await two.round(), 0)
    await clock.advance(10 * MINUTE_MS)
    t.is(await two.round(), 1)
    await goOn(two.connections, 'main', next.connection, 50)
    t.is(await two.round(), 0)
    two.connections.open(me('other'))
    t.deepEqual(
      [...two.connections.all()].map(([{ name }]) => name),
      ['other'],
    )
    t.is(await two.round(), 1)
  },
)

testDatabases(test, 'what is stored is stored by a clock that was set back, too', async (t, database) => {
  const clock = new FakeClock()
  const later = start(database, clock, 1)
  await goOn(later.connections, 'main', later.connections.open(me('main')), 20)
  t.is(await later.round(), 1)
  // Hours earlier; a clock that was an hour ahead is all that differs.
  const earlier = new FakeClock(clock.now() - 60 * MINUTE_MS)
  const now = start(database, earlier, 100)
  const anew = await goOn(now.connections, 'main', now.connections.open(me('main')), 5)
  t.is(await now.round(), 1)
  const next = start(database, earlier, 200)
  t.like((await next.connections.resume(me('main'), anew.pos)).rooms.get('!a:x'), { upTo: 5 })
})

testDatabases(
  test,
  'another process goes on from what was stored, with or without all',
  async (t, database) => {
    const clock = new FakeClock()
    const one = start(database, clock, 1)
    const opened = one.connections.open(me('"main"'))
    const first = await goOn(one.connections, '"main"', opened, 20)
    await one.keeper.close()
    const { pos } = await goOn(one.connections, '"main"', first.connection, 30)
    const two = start(database, clock, 100)
    await t.throwsAsync(two.connections.resume(me('other'), pos), { message: /begin anew/ })
    await t.throwsAsync(two.connections.resume(me('"main"', 'B'), pos), { message: /begin anew/ })
    const other = pos.replace(/\.o(\d+)/, (_, openedAt: string) => `.o${Number(openedAt) + 1}`)
    await t.throwsAsync(two.connections.resume(me('"main"'), other), { message: /begin anew/ })
    await t.throwsAsync(two.connections.resume(me('"main"'), 's1.e5'), { message: /begin anew/ })
    const key = me('"main"')
    const [same, again] = await Promise.all([1, 2].map(() => two.keeper.load(key, tokenOf(pos))))
    t.is(same, again, 'who asks twice at once gets the same')
    const later = await two.connections.resume(key, pos)
    t.like(later.rooms.get('!a:x'), { upTo: 20, isDoubtful: true })
    const next = await goOn(two.connections, '"main"', later, 40)
    await two.keeper.close()
    // What the first one still has is older, and stays out.
    const late = start(database, clock, 200)
    const stale = await late.connections.resume(key, next.pos)
    t.like(stale.rooms.get('!a:x'), { upTo: 40, isDoubtful: undefined })
    await one.keeper.close()
    const three = start(database, clock, 300)
    t.like((await three.connections.resume(key, next.pos)).rooms.get('!a:x'), { upTo: 40 })
    // One that is begun anew takes the place of what was stored under its name, however little it has told.
    await clock.advance(1)
    const anew = await goOn(three.connections, '"main"', three.connections.open(key), 5)
    await three.keeper.close()
    await two.keeper.close()
    const four = start(database, clock, 400)
    t.like((await four.connections.resume(key, anew.pos)).rooms.get('!a:x'), { upTo: 5 })
  },
)

testDatabases(
  test,
  'connections that memory has no room for are stored, and come back; of many names the last stay',
  async (t, database) => {
    const clock = new FakeClock()
    const { connections, keeper, round } = start(database, clock, 1, 3)
    const positions: string[] = []
    for (const name of ['a', 'b', 'c', 'd']) {
      positions.push((await goOn(connections, name, connections.open(me(name)), 10)).pos)
    }
    const inMemory = [...connections.all()].map(([{ name }]) => name)
    t.false(inMemory.includes('a'))
    const [pos = ''] = positions
    t.like(await keeper.load(me('a'), tokenOf(pos)), { generation: 1 }, 'though it is not stored yet')
    await round()
    t.deepEqual(await stored(database), ['A a', 'A b', 'A c', 'A d'])
    t.like((await connections.resume(me('a'), pos)).rooms.get('!a:x'), { upTo: 10 })
    for (let index = 0; index < 12; index++) {
      await clock.advance(1_000)
      await goOn(connections, `n${index}`, connections.open(me(`n${index}`)), 10)
      await round()
    }
    t.is((await stored(database)).length, 8)
    for (let device = 0; device < 70; device++) {
      await clock.advance(1_000)
      const opened = connections.open(me('main', `D${device}`))
      await connections.resume(me('main', `D${device}`), opened.answer(opened.serial, told(10)))
      await round()
    }
    t.is((await stored(database)).length, 64)
  },
)
