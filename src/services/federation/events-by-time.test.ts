import test from 'ava'
import type { RoomEvent } from '../../core/event/event.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, BOB, CAROL, makeRoom } from '../../test-kit/federated-pair.ts'
import { FederationWorld, say, stateAt, type WorldServer } from '../../test-kit/federation-world.ts'
import { federatedDiscovery } from '../discovery/federated.ts'
import { createDiscovery } from '../discovery/index.ts'

const MINUTE = 60_000

/** The numbers in the messages that a server has, oldest first, with what it has fetched of history. */
const said = async ({ core }: WorldServer, roomId: string): Promise<number[]> => {
  const { events, rooms } = core.context.read
  const room = await rooms.byId(roomId)
  const all = await events.forwards({ roomNid: room?.nid ?? 0, after: -1e9, upTo: 1e9, limit: 1_000 })
  return all.flatMap(({ event }) => (event.type === 'm.room.message' ? Number(event.content['body']) : []))
}

test('an instant before the join is looked for on other servers, and history fetched back to it', async t => {
  const world = new FederationWorld(t)
  const a = await world.add('a.test')
  const b = await world.add('b.test', { clock: a.clock })
  const roomId = await makeRoom(a)
  const instants: number[] = []
  const events: string[] = []
  for (let n = 0; n < 150; n++) {
    await a.clock.advance(MINUTE)
    instants.push(a.clock.now())
    events.push((await say(a, ALICE, roomId, `${n}`)).eventId)
  }
  await a.clock.advance(MINUTE)
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  const { eventByTimestamp } = createDiscovery({
    ...{ core: b.core, rooms: b.rooms, hasDirectory: true, directoryIsForServers: true },
    remote: federatedDiscovery(b.client, { reachBack: b.federation.reachBack, clock: b.clock }),
  })
  const find = async (ts: number, dir: 'f' | 'b'): Promise<number> =>
    events.indexOf((await eventByTimestamp.find(BOB, roomId, ts, dir)).eventId)
  const [early = 0] = instants.slice(20)
  const named = (): number => world.requests.filter(request => /timestamp_to_event/.test(request)).length

  world.intercept = ({ path }) =>
    path.includes('timestamp_to_event')
      ? { status: 200, json: { event_id: '$nothing', origin_server_ts: early } }
      : undefined
  t.is(await find(early, 'f'), -1, 'what nobody has is not looked for: the join is the first that is known')
  t.deepEqual(await said(b, roomId), [])
  world.intercept = () => undefined

  t.is(await find(early + 1, 'f'), 21)
  const later = (await said(b, roomId)).filter(n => n >= 21)
  t.deepEqual(later, [...Array(150).keys()].slice(21), 'nothing is left out on the way')
  const asked = named()
  t.is(await find(early + 1, 'b'), 20)
  t.is(named(), asked, 'what is here is not asked for')
  await t.throwsAsync(eventByTimestamp.find(BOB, roomId, 1, 'b'), { message: /no event before/ })
})

test('an instant within a gap is looked for on other servers, and the gap filled down to it', async t => {
  const world = new FederationWorld(t)
  const a = await world.add('a.test')
  const b = await world.add('b.test', { clock: a.clock })
  const roomId = await makeRoom(a)
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  const instants: number[] = []
  const events: RoomEvent[] = []
  for (let n = 0; n < 130; n++) {
    await a.clock.advance(MINUTE)
    instants.push(a.clock.now())
    events.push(await say(a, ALICE, roomId, `${n}`))
  }
  world.intercept = ({ path }) =>
    path.includes('get_missing_events') ? { status: 500, json: { errcode: 'M_UNKNOWN' } } : undefined
  await world.send(a, b, events.slice(0, 1))
  await world.send(a, b, events.slice(-1))
  t.deepEqual(await said(b, roomId), [0, 129])
  const { eventByTimestamp } = createDiscovery({
    ...{ core: b.core, rooms: b.rooms, hasDirectory: true, directoryIsForServers: true },
    remote: federatedDiscovery(b.client, { reachBack: b.federation.reachBack, clock: b.clock }),
  })
  const find = async (n: number, dir: 'f' | 'b'): Promise<string> =>
    (await eventByTimestamp.find(BOB, roomId, (instants[n] ?? 0) + 1, dir)).eventId
  t.is(await find(100, 'b'), events[100]?.eventId ?? '')
  t.deepEqual((await said(b, roomId)).slice(-30), [...Array(130).keys()].slice(100))
  t.is(await find(5, 'f'), events[6]?.eventId ?? '')
  t.is(await find(0, 'b'), events[0]?.eventId ?? '')
})

test('where a server does not answer soon, the next is asked for an instant', async t => {
  const world = new FederationWorld(t)
  const a = await world.add('a.test')
  const [b, c] = [await world.add('b.test', { clock: a.clock }), await world.add('c.test')]
  const roomId = await makeRoom(a)
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  const events: RoomEvent[] = []
  for (let n = 0; n < 30; n++) {
    await a.clock.advance(MINUTE)
    events.push(await say(a, ALICE, roomId, `${n}`))
  }
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  await world.send(a, c, [...events, (await stateAt(a, roomId, 'm.room.member', BOB)) ?? {}])
  const { eventByTimestamp } = createDiscovery({
    ...{ core: b.core, rooms: b.rooms, hasDirectory: true, directoryIsForServers: true },
    remote: federatedDiscovery(b.client, { reachBack: b.federation.reachBack, clock: b.clock }),
  })
  const { promise: silence, resolve: end } = Promise.withResolvers<void>()
  t.teardown(end)
  const asked: string[] = []
  world.transport = async ({ to, path }, deliver) => {
    if (path.includes('timestamp_to_event')) {
      asked.push(to)
      if (asked.length === 1) await silence
    }
    return deliver()
  }
  const found = eventByTimestamp.find(BOB, roomId, (events[20]?.originServerTs ?? 0) + 1, 'b')
  await eventually('one is asked', () => asked.length === 1)
  await a.clock.advance(4_000)
  t.is((await found).eventId, events[20]?.eventId ?? '')
  t.deepEqual(asked.toSorted(), ['a.test', 'c.test'])
})
