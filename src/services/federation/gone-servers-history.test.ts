import test from 'ava'
import type { RoomEvent } from '../../core/event/event.ts'
import { roomVersion } from '../../core/room-versions.ts'
import { ALICE, BOB, CAROL, forge } from '../../test-kit/federated-pair.ts'
import { say, stateAt } from '../../test-kit/federation-world.ts'
import { HISTORY, historyWith } from '../../test-kit/gone-server.ts'

const idsOf = (events: readonly RoomEvent[]): string[] => events.map(({ eventId }) => eventId)

test('history tells what was said by somebody of a server that is gone, as a moderator’s server knows it', async t => {
  const { fetch, shown, begins } = await historyWith(t, {}, true)
  t.true(await fetch())
  t.deepEqual(await shown(), HISTORY)
  t.is(await begins(), 'm.room.create')
})

test('what nobody can verify of it is left out, but not what came before', async t => {
  const { b, said, fetch, shown, begins, wait } = await historyWith(t, {}, false)
  t.true(await fetch())
  t.deepEqual(await shown(), ['five'])
  for (const hours of [1, 22, 1]) {
    t.false(await fetch(), 'its server may be back')
    await wait(hours)
  }
  t.true(await fetch())
  t.deepEqual(await shown(), ['one', 'three', 'five'])
  t.is(await begins(), 'm.room.create')
  const stored = [...(await b.core.context.read.events.byIds(idsOf(said))).values()]
  const hidden = stored.filter(({ rejected }) => rejected !== undefined)
  t.is(hidden.length, 2)
  for (const { event } of hidden) t.deepEqual(event.content, {}, 'nothing is believed of it')
})

test('once that server is heard of, what it has said comes within a minute', async t => {
  const { world, b, fetch, shown, wait } = await historyWith(t, {}, false)
  t.true(await fetch())
  for (const hours of [1, 1, 1, 0]) {
    t.false(await fetch())
    await wait(hours)
  }
  world.intercept = () => undefined
  await world.add('c.test')
  for (const listener of b.federation.onHeardOf) listener('c.test')
  await b.clock.advance(60_000)
  t.true(await fetch())
  t.deepEqual(await shown(), HISTORY)
})

test('while nobody can be heard no time passes in which that server might have come back', async t => {
  const { world, fetch, shown, wait } = await historyWith(t, {}, false)
  t.true(await fetch())
  const { intercept } = world
  world.intercept = () => 'unreachable'
  for (const hours of [1, 22, 2]) {
    t.false(await fetch())
    await wait(hours)
  }
  world.intercept = intercept
  t.false(await fetch(), 'its server may be back')
  t.deepEqual(await shown(), ['five'])
  await wait(24)
  t.true(await fetch())
  t.deepEqual(await shown(), ['one', 'three', 'five'])
})

test('a server that has been gone for a day holds up no more of the history', async t => {
  const lines = Array.from({ length: 50 }, (_, index) => `line ${index}`)
  const { fetch, shown, begins, shownAfterAll } = await historyWith(t, {}, false, undefined, lines)
  await shownAfterAll(20)
  t.not(await begins(), 'm.room.create', 'it comes in pieces')
  while (await fetch(20));
  t.is(await begins(), 'm.room.create')
  t.deepEqual(
    await shown(),
    lines.filter((_, index) => index % 2 === 0),
  )
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

test('of versions in which an event’s ID is whatever its server says nothing is kept that cannot be verified', async t => {
  const version = roomVersion('2')
  const { b, said, fetch, shown, wait } = await historyWith(
    t,
    version === undefined ? {} : { version },
    false,
  )
  t.true(await fetch())
  for (const hours of [1, 22, 1]) {
    t.false(await fetch())
    await wait(hours)
  }
  t.false(await fetch())
  t.deepEqual(await shown(), ['five'])
  t.is((await b.core.context.read.events.byIds(idsOf(said))).size, 1)
})
