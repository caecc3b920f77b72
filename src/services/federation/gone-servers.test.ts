import test, { type ExecutionContext } from 'ava'
import type { RoomEvent } from '../../core/event/event.ts'
import type { JsonObject } from '../../core/json.ts'
import { roomVersion } from '../../core/room-versions.ts'
import type { NewRoom } from '../../services/rooms/room-templates.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, BOB, CAROL, forge, makeRoom, pair } from '../../test-kit/federated-pair.ts'
import {
  type FederationWorld,
  messagesOf,
  say,
  setState,
  stateAt,
  type WorldServer,
} from '../../test-kit/federation-world.ts'
import { newRoom } from '../../test-kit/rooms.ts'
import { voucherOf } from './outbound/history/voucher.ts'

interface Three {
  readonly world: FederationWorld
  readonly a: WorldServer
  readonly b: WorldServer
  readonly c: WorldServer
}

const three = async (t: ExecutionContext): Promise<Three> => {
  const p = await pair(t)
  return { ...p, c: await p.world.add('c.test') }
}

/** Has Bob join through Alice's server, which takes a moment where keys are looked for. */
const bobJoins = async ({ b }: Three, roomId: string): Promise<void> => {
  let isOver = false
  const joining = b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] }).finally(() => {
    isOver = true
  })
  joining.catch(() => undefined)
  await eventually('he is in', async () => {
    await b.clock.advance(100)
    return isOver
  })
  await joining
}

const hears = async (t: ExecutionContext, { world, a, b }: Three, roomId: string): Promise<void> => {
  const said = await say(a, ALICE, roomId, 'are you there?')
  await world.send(a, b, [said])
  t.deepEqual(await messagesOf(b, roomId), ['are you there?'])
}

for (const id of ['1', '9', '12']) {
  const version = roomVersion(id)
  const fields: Partial<NewRoom> = { preset: 'public_chat', name: 'Garden', ...(version && { version }) }

  test(`rooms of version ${id} whose creator’s server is gone can be joined`, async t => {
    const p = await three(t)
    const { a, b, c } = p
    const made = newRoom(c.rooms, CAROL, fields)
    const roomId = await c.rooms.roomCreation.create(made, { isDirect: false })
    await a.rooms.memberships.join({ userId: ALICE, roomId, via: ['c.test'] })
    await c.kill()
    await bobJoins(p, roomId)
    t.deepEqual((await stateAt(b, roomId, 'm.room.name'))?.content, { name: 'Garden' })
    await hears(t, p, roomId)
  })

  test(`so can rooms of version ${id} whose power levels were set by somebody of such a server`, async t => {
    const p = await three(t)
    const { world, a, b, c } = p
    const roomId = await makeRoom(a, fields)
    await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
    const before = (await stateAt(a, roomId, 'm.room.power_levels'))?.content ?? {}
    const levels = { ...before, events: {}, users: { ...Object(before['users']), [CAROL]: 100 } }
    const type = 'm.room.power_levels'
    await world.send(a, c, [await setState(a, ALICE, roomId, { type, content: levels })])
    const set = await setState(c, CAROL, roomId, { type, content: { ...levels, invite: 1 } })
    await world.send(c, a, [set])
    await c.kill()
    await bobJoins(p, roomId)
    t.is((await stateAt(b, roomId, type))?.eventId, set.eventId)
    await hears(t, p, roomId)
  })
}

const HISTORY = ['one', 'two', 'three', 'four', 'five']

/** Alice and Carol have talked, in turns, before Carol's server was gone and Bob came; answers how Bob's server fetches that. */
const historyWith = async (
  t: ExecutionContext,
  fields: Partial<NewRoom>,
  isVouchedFor: boolean,
  before: (p: Three, roomId: string) => Promise<unknown> = async () => undefined,
) => {
  const p = await three(t)
  const { world, a, b, c } = p
  const roomId = await makeRoom(a, { preset: 'public_chat', ...fields })
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  await before(p, roomId)
  const said: RoomEvent[] = []
  for (const [index, body] of HISTORY.entries()) {
    const [by, to] = index % 2 === 0 ? [a, c] : [c, a]
    const event = await say(by, by === a ? ALICE : CAROL, roomId, body)
    said.push(event)
    await world.send(by, to, [event])
  }
  await c.kill()
  if (!isVouchedFor)
    world.intercept = ({ path }) => (path === '/_matrix/key/v2/query' ? 'unreachable' : undefined)
  await bobJoins(p, roomId)
  await eventually('all members are known', async () => {
    await b.clock.advance(1_000)
    return (await b.core.writer.head(roomId))?.partial === undefined
  })
  const fetch = async (limit = 100): Promise<boolean> => {
    let isOver = false
    const fetching = b.federation.fetchHistory(roomId, limit).finally(() => {
      isOver = true
    })
    await eventually('it is fetched', async () => {
      await b.clock.advance(100)
      return isOver
    })
    return fetching
  }
  const { events, rooms } = b.core.context.read
  const range = { after: Number.MIN_SAFE_INTEGER, upTo: Number.MAX_SAFE_INTEGER, limit: 1_000 }
  const all = async () => events.forwards({ roomNid: (await rooms.byId(roomId))?.nid ?? 0, ...range })
  const shown = async () =>
    (await all()).flatMap(({ event }) => (event.type === 'm.room.message' ? [event.content['body']] : []))
  const begins = async () => (await all())[0]?.event.type
  const shownAfterAll = async (): Promise<unknown[]> => {
    for (const minutes of [1, 2, 4]) {
      await fetch()
      await b.clock.advance(minutes * 60_000)
    }
    await fetch()
    return shown()
  }
  return { ...p, roomId, said, fetch, shown, begins, shownAfterAll }
}

const idsOf = (events: readonly RoomEvent[]): string[] => events.map(({ eventId }) => eventId)

test('history tells what was said by somebody of a server that is gone, as a moderator’s server knows it', async t => {
  const { fetch, shown, begins } = await historyWith(t, {}, true)
  t.true(await fetch())
  t.deepEqual(await shown(), HISTORY)
  t.is(await begins(), 'm.room.create')
})

test('what nobody can verify of it is left out, but not what came before', async t => {
  const { b, said, fetch, shown, begins } = await historyWith(t, {}, false)
  t.true(await fetch())
  t.deepEqual(await shown(), ['five'])
  for (const minutes of [1, 2]) {
    t.false(await fetch(), 'its server may be back soon')
    await b.clock.advance(minutes * 60_000)
  }
  t.true(await fetch())
  t.deepEqual(await shown(), ['one', 'three', 'five'])
  t.is(await begins(), 'm.room.create')
  const stored = [...(await b.core.context.read.events.byIds(idsOf(said))).values()]
  const hidden = stored.filter(({ rejected }) => rejected !== undefined)
  t.is(hidden.length, 2)
  for (const { event } of hidden) t.deepEqual(event.content, {}, 'nothing is believed of it')
})

test('what was kept without its content is handed on to nobody, and is whole once it comes with its keys', async t => {
  const { world, a, b, roomId, said, shownAfterAll } = await historyWith(t, {}, true)
  // Who let Bob in has vouched for Carol’s being there; what she has said cannot be verified.
  world.intercept = ({ path }) => (path === '/_matrix/key/v2/query' ? 'unreachable' : undefined)
  await b.clock.advance(600_000)
  t.deepEqual(await shownAfterAll(), ['one', 'three', 'five'])
  const [, two, , four] = said
  if (two === undefined || four === undefined) throw new Error('nothing was said')
  const given = await a.client.backfill('b.test', { roomId, from: [four.eventId], limit: 100 })
  const bodies = given.flatMap(({ content }) => Object(content)['body'] ?? [])
  t.deepEqual(bodies, ['three', 'one'])
  t.false(given.some(({ content, sender }) => sender === CAROL && Object.keys(Object(content)).length === 0))
  const one = a.client.getEvent('b.test', two.eventId)
  await t.throwsAsync(one, { message: /is not known here/ })
  await world.add('c.test')
  await b.clock.advance(3_600_000)
  t.deepEqual([...(await world.send(a, b, [two]))], [])
  const { events } = b.core.context.read
  const nid = (await events.byId(two.eventId))?.nid ?? 0
  events.forget([nid])
  const [stored] = await events.byNids([nid])
  t.is(stored?.rejected, undefined)
  t.deepEqual(stored?.event.content, two.content)
})

test('who takes signatures away hides nothing that another server gives whole', async t => {
  const { world, b, roomId, shownAfterAll } = await historyWith(t, {}, false, async ({ world }, roomId) => {
    const d = await world.add('d.test')
    await d.rooms.memberships.join({ userId: '@dave:d.test', roomId, via: ['a.test'] })
    const { send } = world
    world.send = async (from, to, events) => {
      await send.call(world, from, d, events)
      return send.call(world, from, to, events)
    }
  })
  const d = world.servers.get('d.test')
  const join = await stateAt(b, roomId, 'm.room.member', BOB)
  if (d === undefined || join === undefined) throw new Error('he is not in')
  await world.send(b, d, [join])
  const { backfill } = b.client
  Object.assign(b.client, {
    backfill: async (...call: Parameters<typeof backfill>) => {
      const pdus = await backfill(...call)
      return call[0] === 'a.test' ? pdus.map(pdu => ({ ...pdu, signatures: { 'a.test': {} } })) : pdus
    },
  })
  t.deepEqual(await shownAfterAll(), ['one', 'three', 'five'])
})

test('nothing passes for a room’s beginning but its create event', async t => {
  let fake: RoomEvent | undefined
  const p = await historyWith(t, {}, true, async ({ a }, roomId) => {
    for (let n = 0; n < 25; n++) await say(a, ALICE, roomId, `before ${n}`)
    fake = await forge(a, roomId, {
      sender: ALICE,
      type: 'm.room.create',
      stateKey: '',
      prevEvents: [],
      depth: 1,
    })
    const head = await a.core.writer.head(roomId)
    const end = { nid: -1, eventId: fake.eventId, depth: 1 }
    head?.setExtremities([...(head.extremities ?? []), end])
    await say(a, ALICE, roomId, 'beside it')
  })
  const { b, roomId, fetch } = p
  const { backfill } = b.client
  Object.assign(b.client, {
    backfill: async (...call: Parameters<typeof backfill>) => [
      ...(await backfill(...call)),
      ...(fake === undefined ? [] : [fake.pdu]),
    ],
  })
  t.true(await fetch(20))
  const { events, rooms, state } = b.core.context.read
  const roomNid = (await rooms.byId(roomId))?.nid ?? 0
  const [oldest] = await events.forwards({ roomNid, after: -1e9, upTo: 1e9, limit: 1 })
  t.regex(String(oldest?.event.content['body']), /^before/)
  const types = (await state.at(roomNid, oldest?.position ?? 0)).map(({ type }) => type)
  t.true(types.includes('m.room.create'))
})

/** A room of Alice's in which Bob and Carol are: whose word Bob's server takes of its history, once the room has these powers. */
const vouchedRoom = async (t: ExecutionContext) => {
  const { world, a, b, c } = await three(t)
  const version = roomVersion('10')
  const roomId = await makeRoom(a, { preset: 'public_chat', ...(version && { version }) })
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  await world.send(c, b, [(await stateAt(c, roomId, 'm.room.member', CAROL)) ?? {}])
  return async (users: JsonObject, asked?: string): Promise<string | undefined> => {
    const content = { ...(await stateAt(a, roomId, 'm.room.power_levels'))?.content, users }
    await world.send(a, b, [await setState(a, ALICE, roomId, { type: 'm.room.power_levels', content })])
    const head = await b.core.writer.head(roomId)
    return head && voucherOf(b.core.context, head, asked)
  }
}

test('nobody who has less to say in a room than others is believed of its history', async t => {
  const voucher = await vouchedRoom(t)
  const gone = '@ceo:gone.test'
  t.is(await voucher({ [ALICE]: 100, [gone]: 50 }), 'a.test')
  t.is(await voucher({ [ALICE]: 100, [gone]: 100 }), 'a.test')
  t.is(await voucher({ [ALICE]: 90, [gone]: 100 }), undefined, 'whom it could make up to have given it more')
})

test('of those who have the most to say whoever answers is believed: the creator’s server may be gone', async t => {
  const voucher = await vouchedRoom(t)
  t.is(await voucher({ [ALICE]: 100, [CAROL]: 50 }, 'c.test'), 'a.test')
  t.is(await voucher({ [ALICE]: 100, [CAROL]: 100 }, 'c.test'), 'c.test')
})

test('of versions in which an event’s ID is whatever its server says nothing is kept that cannot be verified', async t => {
  const version = roomVersion('2')
  const { b, said, fetch, shown } = await historyWith(t, version === undefined ? {} : { version }, false)
  t.true(await fetch())
  for (const minutes of [1, 2, 4]) {
    t.false(await fetch())
    await b.clock.advance(minutes * 60_000)
  }
  t.deepEqual(await shown(), ['five'])
  t.is((await b.core.context.read.events.byIds(idsOf(said))).size, 1)
})

test('what is said later in the name of a server that is gone is believed of nobody', async t => {
  const p = await three(t)
  const { world, a, b, c } = p
  const roomId = await makeRoom(a)
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  await world.send(c, a, [(await stateAt(c, roomId, 'm.room.member', CAROL)) ?? {}])
  const said = await say(c, CAROL, roomId, 'my last words')
  await world.send(c, a, [said])
  await c.kill()
  await bobJoins(p, roomId)
  const refused = await world.send(a, b, [said])
  t.regex(refused.get(said.eventId) ?? '', /no valid signature of c\.test/)
})
