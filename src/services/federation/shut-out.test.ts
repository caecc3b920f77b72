import test from 'ava'
import { buildEvent } from '../../core/event/builder.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import type { JsonObject } from '../../core/json.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, BOB, CAROL, type Pair, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import type { Interceptor } from '../../test-kit/federation-transport.ts'
import { messagesOf, say, setState, stateAt, type WorldServer } from '../../test-kit/federation-world.ts'

const REFUSED = { status: 403, json: { errcode: 'M_FORBIDDEN', error: 'Host not in room.' } }

/** As servers do that let nobody look who is out of the room now, whatever came before. */
const refusing =
  (what = /\/v1\/(get_missing_events|state|state_ids|event|event_auth|backfill)\//): Interceptor =>
  ({ from, path }) =>
    from === 'b.test' && what.test(path) ? REFUSED : undefined

const membershipOf = async (server: WorldServer, roomId: string, userId = BOB) =>
  (await stateAt(server, roomId, 'm.room.member', userId))?.content['membership']

/**
 * Bob's server is let into Alice's room, told of all members or of as few as possible. Just before its join is there, Alice says
 * something, of which her server does not tell it therefore.
 */
const roomOf = async (p: Pair, omitMembers: boolean): Promise<string> => {
  const { a, b } = p
  const { sendJoin } = b.client
  Object.assign(b.client, {
    sendJoin: async (server: string, request: Parameters<typeof sendJoin>[1]) => {
      await say(a, ALICE, request.roomId, 'as you came')
      return sendJoin(server, { ...request, omitMembers })
    },
  })
  const roomId = await sharedRoom(p)
  Object.assign(b.client, { sendJoin })
  await eventually('the room is complete', async () => {
    await b.clock.advance(5_000)
    return (await b.core.writer.head(roomId))?.partial === undefined
  })
  return roomId
}

const putOut = (a: WorldServer, roomId: string, membership: string, sender = ALICE): Promise<RoomEvent> =>
  setState(a, sender, roomId, { type: 'm.room.member', stateKey: BOB, content: { membership } })

for (const omitMembers of [false, true]) {
  const how = omitMembers ? 'without its members' : 'with all members'
  testDatabases(
    test,
    `whose last user is put out learns what came before, and nothing else, joined ${how}`,
    async (t, database) => {
      const p = await pair(t, database)
      const { a, b, world } = p
      for (const membership of ['leave', 'ban']) {
        const roomId = await roomOf(p, omitMembers)
        await say(a, ALICE, roomId, 'unheard')
        const event = await putOut(a, roomId, membership)
        const later = await say(a, ALICE, roomId, 'among ourselves')
        await world.send(a, b, [event])
        t.is(await membershipOf(b, roomId), membership)
        t.deepEqual(await messagesOf(b, roomId), ['as you came', 'unheard'])
        t.false((await b.core.writer.head(roomId))?.hasHost('b.test'))
        t.is(await b.core.context.read.events.byId(later.eventId), undefined)
      }
    },
  )
}

testDatabases(
  test,
  'a user is put out also where nobody tells what came before, and where something is missing',
  async (t, database) => {
    const p = await pair(t, database)
    const { a, b, world } = p
    for (const membership of ['leave', 'ban']) {
      const roomId = await sharedRoom(p)
      const unheard = await say(a, ALICE, roomId, 'unheard')
      const event = await putOut(a, roomId, membership)
      world.intercept = refusing()
      await world.send(a, b, [event])
      world.intercept = () => undefined
      t.is(await membershipOf(b, roomId), membership)
      const room = await b.core.context.read.rooms.byId(roomId)
      const missing = await b.core.context.read.rooms.missingEvents(room?.nid ?? 0)
      t.true(missing.some(({ missingEventId }) => missingEventId === unheard.eventId))
      t.is((await b.core.context.read.gaps.ofRoom(room?.nid ?? 0)).length, 1)
    }
  },
)

test('whose power was given where nobody tells of it puts users out if that can be had', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const mallory = '@mod:a.test'
  const scene = async () => {
    const roomId = await sharedRoom(p)
    await a.rooms.memberships.join({ userId: mallory, roomId })
    const before = await stateAt(a, roomId, 'm.room.member', mallory)
    await world.send(a, b, before === undefined ? [] : [before])
    const content = {
      ...(await stateAt(a, roomId, 'm.room.power_levels'))?.content,
      users: { [mallory]: 50 },
    }
    await setState(a, ALICE, roomId, { type: 'm.room.power_levels', content })
    return { roomId, event: await putOut(a, roomId, 'leave', mallory) }
  }
  const told = await scene()
  world.intercept = refusing(/\/v1\/(get_missing_events|state|state_ids)\//)
  await world.send(a, b, [told.event])
  t.is(await membershipOf(b, told.roomId), 'leave')

  world.intercept = () => undefined
  const untold = await scene()
  world.intercept = refusing()
  await world.send(a, b, [untold.event])
  t.is(await membershipOf(b, untold.roomId), 'join', 'nothing says that they may')
  t.is(
    await b.core.context.read.events.byId(untold.event.eventId),
    undefined,
    'nor is it held against the event',
  )
})

test('nobody is put out by who may not, or no more', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const c = await world.add('c.test')
  const roomId = await sharedRoom(p)
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  const carol = await stateAt(a, roomId, 'm.room.member', CAROL)
  const bob = await stateAt(a, roomId, 'm.room.member', BOB)
  const first = await stateAt(a, roomId, 'm.room.power_levels')
  if (carol === undefined || bob === undefined || first === undefined) return t.fail('the scene is not set')
  const levels = (users: JsonObject) =>
    setState(a, ALICE, roomId, { type: 'm.room.power_levels', content: { ...first.content, users } })
  const raised = await levels({ [CAROL]: 50 })
  const lowered = await levels({})
  await world.send(a, b, [carol, raised, lowered])
  t.is((await stateAt(b, roomId, 'm.room.power_levels'))?.eventId, lowered.eventId)
  world.intercept = refusing()
  for (const powers of [first, raised, lowered]) {
    const kick = buildEvent(
      {
        ...{ version: first.version, roomId, sender: CAROL, type: 'm.room.member', stateKey: BOB },
        ...{ content: { membership: 'leave' }, originServerTs: c.clock.now() },
        ...{ prevEvents: [`$${'n'.repeat(43)}`], depth: lowered.depth + 1 },
        authEvents: [powers.eventId, carol.eventId, bob.eventId],
      },
      'c.test',
      c.core.signingKey,
    )
    await world.send(c, b, [kick])
    t.is(await membershipOf(b, roomId), 'join')
    const stored = await b.core.context.read.events.byId(kick.eventId)
    t.is(stored?.softFailed, powers === raised)
    t.is(stored?.rejected === undefined, powers === raised)
  }
})

test('of other events nothing is known while nobody tells what came before', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const c = await world.add('c.test')
  const roomId = await sharedRoom(p)
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  const carol = await stateAt(a, roomId, 'm.room.member', CAROL)
  await world.send(a, b, carol === undefined ? [] : [carol])
  await say(a, ALICE, roomId, 'unheard')
  const topic = await setState(a, ALICE, roomId, { type: 'm.room.topic', content: { topic: 'Beyond' } })
  const kick = { type: 'm.room.member', stateKey: CAROL, content: { membership: 'leave' } }
  const other = await setState(a, ALICE, roomId, kick)
  world.intercept = refusing()
  await world.send(a, b, [topic, other])
  for (const { eventId } of [topic, other]) t.is(await b.core.context.read.events.byId(eventId), undefined)
  t.is(await membershipOf(b, roomId, CAROL), 'join')
})

test('that a room shuts the server out is known also where it lacks what came before', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  await say(a, ALICE, roomId, 'unheard')
  const content = { allow: ['*'], deny: ['b.test'] }
  const denied = await setState(a, ALICE, roomId, { type: 'm.room.server_acl', content })
  await world.send(a, b, [denied])
  t.is((await stateAt(b, roomId, 'm.room.server_acl'))?.eventId, denied.eventId)
  await say(a, ALICE, roomId, 'unheard as well')
  await world.send(a, b, [await putOut(a, roomId, 'leave')])
  t.is(await membershipOf(b, roomId), 'leave')
})

test('while nobody can be reached a user stays in, but not for ever', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  await say(a, ALICE, roomId, 'unheard')
  const event = await putOut(a, roomId, 'leave')
  world.intercept = ({ from }) => (from === 'b.test' ? 'unreachable' : undefined)
  await world.send(a, b, [event])
  t.is(await membershipOf(b, roomId), 'join', 'it may go better another time')
  await eventually('it is given up', async () => {
    await b.clock.advance(60_000)
    await b.federation.idle()
    return (await membershipOf(b, roomId)) === 'leave'
  })
})
