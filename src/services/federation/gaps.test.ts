import test from 'ava'
import type { RoomEvent } from '../../core/event/event.ts'
import { signingKeyFromSeed } from '../../core/signing.ts'
import { InboxReader } from '../../storage/federation/inbox.ts'
import { ALICE, BOB, CAROL, forge, makeRoom, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import { messagesOf, say, setState, stateAt, type WorldServer } from '../../test-kit/federation-world.ts'

test('what lies between is fetched', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await makeRoom(a)
  await say(a, ALICE, roomId, 'before the join, and no part of any gap')
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  const bodies = Array.from({ length: 650 }, (_, index) => `message ${index}`)
  let last: RoomEvent | undefined
  for (const body of bodies) last = await say(a, ALICE, roomId, body)
  await setState(a, ALICE, roomId, { type: 'm.room.topic', content: { topic: 'Gaps' } })
  last = await say(a, ALICE, roomId, 'last')
  await world.send(a, b, [last])
  t.deepEqual(await messagesOf(b, roomId), [...bodies, 'last'])
  t.is((await stateAt(b, roomId, 'm.room.topic'))?.content['topic'], 'Gaps')
})

/** What Bob's server did not hear of: messages, state, and new power levels, which authorise what follows. */
const unheard = async (a: WorldServer, roomId: string): Promise<RoomEvent> => {
  await say(a, ALICE, roomId, 'lost')
  await setState(a, ALICE, roomId, { type: 'm.room.topic', content: { topic: 'Beyond' } })
  await setState(a, ALICE, roomId, {
    type: 'm.room.power_levels',
    content: { ...(await stateAt(a, roomId, 'm.room.power_levels'))?.content, events_default: 1 },
  })
  return say(a, ALICE, roomId, 'last')
}

test('who is in the room as well is asked for what neither sender nor maker has', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const c = await world.add('c.test')
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  await world.send(a, b, [(await stateAt(a, roomId, 'm.room.member', CAROL)) ?? {}])
  const hidden = await say(a, ALICE, roomId, 'hidden')
  await world.send(a, c, [hidden])
  const last = await say(c, CAROL, roomId, 'last')
  world.intercept = ({ to, path }) =>
    to === 'c.test' && /get_missing_events|state/.test(path)
      ? { status: 403, json: { errcode: 'M_FORBIDDEN' } }
      : undefined
  await world.send(c, b, [last])
  t.deepEqual(await messagesOf(b, roomId), ['hidden', 'last'])
  // Nobody has what that follows: a few are asked, and it ends.
  const before = world.requests.length
  const nowhere = await forge(a, roomId, { sender: ALICE, prevEvents: [`$${'n'.repeat(43)}`] })
  await world.send(a, b, [nowhere])
  t.true(world.requests.length - before < 20, `${world.requests.length - before} requests`)
})

test('where the gap cannot be bridged, its state is fetched', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  for (const blocked of [/get_missing_events/, /get_missing_events|\/v1\/event\//]) {
    const roomId = await sharedRoom(p)
    const last = await unheard(a, roomId)
    world.intercept = ({ path }) =>
      blocked.test(path) ? { status: 500, json: { errcode: 'M_UNKNOWN' } } : undefined
    await world.send(a, b, [last])
    world.intercept = () => undefined
    t.deepEqual(await messagesOf(b, roomId), ['last'])
    t.is((await stateAt(b, roomId, 'm.room.topic'))?.content['topic'], 'Beyond')
    t.is((await stateAt(b, roomId, 'm.room.power_levels'))?.content['events_default'], 1)
    const head = await b.core.writer.head(roomId)
    const missing = await b.core.context.read.rooms.missingEvents(head?.room.nid ?? 0)
    t.true(missing.some(({ missingEventId }) => last.prevEvents.includes(missingEventId)))
  }
})

test('who has joined beyond a gap that cannot be bridged is heard, and who was banned here is not', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const c = await world.add('c.test')
  const unbridged = async (says: (roomId: string) => Promise<RoomEvent>): Promise<string> => {
    const roomId = await sharedRoom(p)
    await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
    await say(c, CAROL, roomId, 'lost')
    const last = await says(roomId)
    world.intercept = ({ path }) =>
      /get_missing_events/.test(path) ? { status: 500, json: { errcode: 'M_UNKNOWN' } } : undefined
    await world.send(c, b, [last])
    world.intercept = () => undefined
    return roomId
  }
  const heard = await unbridged(roomId => say(c, CAROL, roomId, 'last'))
  t.deepEqual(await messagesOf(b, heard), ['last'])
  t.is((await stateAt(b, heard, 'm.room.member', CAROL))?.content['membership'], 'join')

  const unheeded = await unbridged(async roomId => {
    const content = { membership: 'ban' }
    const ban = { type: 'm.room.member', stateKey: CAROL, content }
    await world.send(a, b, [await setState(a, ALICE, roomId, ban)])
    return say(c, CAROL, roomId, 'last')
  })
  t.is((await stateAt(b, unheeded, 'm.room.member', CAROL))?.content['membership'], 'ban')
  t.deepEqual(await messagesOf(b, unheeded), [])
})

test('a state with holes is no state: the event is put off, and tried again', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const last = await unheard(a, roomId)
  const blocked = /get_missing_events|\/v1\/(event|state)\//
  world.intercept = ({ path }) =>
    blocked.test(path) ? { status: 500, json: { errcode: 'M_UNKNOWN' } } : undefined
  await world.send(a, b, [last])
  t.deepEqual(await messagesOf(b, roomId), [])
  t.is(await b.core.context.read.events.byId(last.eventId), undefined, 'it is not held against the event')
  const staged = await new InboxReader(b.database).staged(undefined, 10)
  t.deepEqual(
    staged.map(one => one.eventId),
    [last.eventId],
  )
  world.intercept = () => undefined
  await b.clock.advance(10_000)
  await b.federation.idle()
  t.deepEqual(await messagesOf(b, roomId), ['lost', 'last'])
  t.deepEqual(await new InboxReader(b.database).staged(undefined, 10), [])
})

test('a state that lies is not believed', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const last = await unheard(a, roomId)
  const usurper = await forge(a, roomId, {
    sender: '@eve:a.test',
    type: 'm.room.power_levels',
    stateKey: '',
    content: { users: { '@eve:a.test': 100 } },
  })
  const unsigned = await forge(
    a,
    roomId,
    { sender: ALICE, type: 'm.room.name', stateKey: '', content: { name: 'No' } },
    signingKeyFromSeed('ed25519:1', new Uint8Array(32).fill(99)),
  )
  const forged = [usurper, unsigned]
  const { getStateIds, getEvent } = b.client
  Object.assign(b.client, {
    getMissingEvents: async () => [],
    getStateIds: async (...call: Parameters<typeof getStateIds>) => {
      const ids = await getStateIds(...call)
      return { ...ids, stateIds: [...ids.stateIds, ...forged.map(event => event.eventId)] }
    },
    getEvent: async (...[server, eventId, options]: Parameters<typeof getEvent>) =>
      forged.find(event => event.eventId === eventId)?.pdu ?? getEvent(server, eventId, options),
  })
  await world.send(a, b, [last])
  t.deepEqual(await messagesOf(b, roomId), ['last'])
  t.is((await stateAt(b, roomId, 'm.room.power_levels'))?.sender, ALICE)
  t.is(await stateAt(b, roomId, 'm.room.name'), undefined)
  t.truthy((await b.core.context.read.events.byId(usurper.eventId))?.rejected)
  t.is(await b.core.context.read.events.byId(unsigned.eventId), undefined)
})

test('an event is dropped where nobody tells what it builds on, and comes with a later one', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  await say(a, ALICE, roomId, 'one')
  const second = await say(a, ALICE, roomId, 'two')
  world.intercept = ({ from }) => (from === 'b.test' ? 'unreachable' : undefined)
  await world.send(a, b, [second])
  t.deepEqual(await messagesOf(b, roomId), [])
  world.intercept = () => undefined
  await world.send(a, b, [await say(a, ALICE, roomId, 'three')])
  t.deepEqual(await messagesOf(b, roomId), ['one', 'two', 'three'])
})
