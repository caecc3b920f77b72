import test, { type ExecutionContext } from 'ava'
import { roomEventFilter } from '../../core/filter.ts'
import type { JsonObject } from '../../core/json.ts'
import { silentLog } from '../../core/log.ts'
import { PurgeRequestReader, PurgeRequestWriter } from '../../storage/rooms/purge-requests.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FederationWorld, messagesOf, say, type WorldServer } from '../../test-kit/federation-world.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { PurgeRequests } from './purge-requests.ts'
import { PurgeScope } from './purge-scope.ts'
import { RoomLifetime } from './room-lifetime.ts'
import { RoomPurges } from './room-purge.ts'

const ALICE = '@alice:here.test'
const BOB = '@bob:here.test'
const DAY = 86_400_000
const going = new AbortController().signal

testDatabases(test, 'old messages go, what the room rests on stays', async (t, database) => {
  const { core, rooms, clock } = await testRooms(database)
  const { read } = core.context
  const purges = new RoomPurges(core.writer)
  const scope = new PurgeScope(database, clock)
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, { preset: 'public_chat' }), {
    isDirect: false,
  })
  await rooms.memberships.join({ userId: BOB, roomId })
  const nid = (await read.rooms.byId(roomId))?.nid ?? 0
  const room = { nid, roomId }
  const send = async (content: JsonObject, type = 'm.room.message') => {
    const message = { roomId, type, txnId: String(Math.random()), content }
    return (await rooms.sending.message(requesterOf(ALICE), message)).eventId
  }
  const setTopic = async (topic: string) => {
    const sent = await core.sender.send(roomId, {
      ...{ type: 'm.room.topic', stateKey: '', sender: ALICE },
      content: { topic },
    })
    return sent.event?.eventId ?? ''
  }
  const root = await send({ body: 'root' })
  const reply = { body: 'reply', 'm.relates_to': { rel_type: 'm.thread', event_id: root } }
  await send(reply)
  const [firstTopic, secondTopic] = [await setTopic('first'), await setTopic('second')]
  await rooms.memberships.leave({ userId: BOB, roomId })
  await clock.advance(2 * DAY)
  await rooms.memberships.join({ userId: BOB, roomId })
  const thirdTopic = await setTopic('third')
  const late = await send(reply)
  const kept = await send({ body: 'kept' })

  const before = clock.now() - DAY
  const estimate = await scope.estimate(nid, before)
  t.is(estimate.events, 2, 'the two messages')
  const stateBefore = [...((await core.writer.head(roomId))?.state ?? [])]
  const purged = await purges.purge(room, { before }, going)
  t.is(purged.events, 3, 'and the topic that was replaced in time')
  t.true(purged.bytes >= estimate.bytes && estimate.bytes > 100)

  t.deepEqual([...(await read.events.byIds([root, firstTopic])).keys()], [], 'gone altogether')
  t.is(
    (await read.events.byId(secondTopic))?.position,
    undefined,
    'was state until lately: no part of the timeline',
  )
  t.deepEqual([...((await core.writer.head(roomId))?.state ?? [])], stateBefore)
  const request = { direction: 'b', limit: 100, filter: roomEventFilter(undefined) } as const
  const page = await rooms.roomHistory.messages(requesterOf(BOB), roomId, request)
  const shown = page.chunk.map(text => JSON.parse(text) as { event_id: string; type: string })
  t.deepEqual(shown.map(({ event_id }) => event_id).slice(0, 3), [kept, late, thirdTopic])
  t.is(shown[3]?.type, 'm.room.member')
  t.is(shown.length, 4)
  t.is(page.end, undefined, 'history ends there')
  t.is((await read.threads.byRoots(nid, [root])).get(root)?.count, 1)
  await t.throwsAsync(rooms.roomReading.event(requesterOf(BOB), roomId, root), { message: /./ })
  const closed = database.prepare('SELECT COUNT(*) AS n FROM room_state WHERE valid_to <= ?')
  const { to = 0 } = (await read.rooms.byId(roomId))?.purged ?? {}
  t.deepEqual(await database.get(closed, [to]), { n: 0 }, 'no state of before the boundary')

  t.deepEqual(await purges.purge(room, { before }, going), { events: 0, bytes: 0 }, 'once is enough')
  t.deepEqual(await scope.estimate(nid, before), { events: 0, bytes: 0, files: 0, fileBytes: 0 })
  await purges.purge(room, { before: clock.now() + 1 }, going)
  t.deepEqual(await scope.estimate(nid, clock.now() + DAY), { events: 0, bytes: 0, files: 0, fileBytes: 0 })
  t.not(await read.events.byId(kept), undefined, 'the end of the graph stays')
  t.is(await read.events.byId(secondTopic), undefined, 'its time is over')
  await send({ body: 'the room goes on' })
})

testDatabases(test, 'what was never shown goes, too, unless it has become the state', async (t, database) => {
  const { core, rooms, clock } = await testRooms(database)
  const { read } = core.context
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
  const state = async (type: string, count = 0) => {
    const change = { roomId, type, stateKey: '', content: { count } }
    return (await rooms.sending.state(requesterOf(ALICE), change)).eventId
  }
  const [holds, past] = [await state('org.example.holds'), await state('org.example.past')]
  const hide = database.prepare("UPDATE events SET soft_failed = 1 WHERE type LIKE 'org.example.%'")
  await database.commit({ statements: [{ prepared: hide, rows: [[]] }] })
  await state('org.example.past', 1)
  await clock.advance(2 * DAY)
  await state('m.room.topic')
  const nid = (await read.rooms.byId(roomId))?.nid ?? 0
  await new RoomPurges(core.writer).purge({ nid, roomId }, { before: clock.now() }, going)
  t.deepEqual([...(await read.events.byIds([holds, past])).keys()], [holds])
})

test('what is before an event goes whenever it was sent, and our own messages only leave the timeline', async t => {
  const { a, b, world, alice, bob, roomId } = await sharedRoom(t)
  const own = await say(a, alice, roomId, 'own')
  await world.send(a, b, [own])
  const foreign = await say(b, bob, roomId, 'foreign')
  await world.send(b, a, [foreign])
  const border = await say(a, alice, roomId, 'border')
  await say(a, alice, roomId, 'last')
  const { read } = a.core.context
  const stored = await read.events.byId(border.eventId)
  const bound = { before: border.originServerTs, position: stored?.position, keepsOwn: true }
  t.is((await new RoomPurges(a.core.writer).purge(await roomOf(a, roomId), bound, going)).events, 1)
  t.deepEqual(await messagesOf(a, roomId), ['border', 'last'])
  t.is((await read.events.byId(own.eventId))?.position, undefined, 'kept, and shown to nobody')
  t.deepEqual((await read.events.byId(own.eventId))?.event.content['body'], 'own')
  t.is(await read.events.byId(foreign.eventId), undefined)
})

test('purged history is neither given to other servers nor taken back', async t => {
  const { world, a, b, alice, bob, roomId } = await sharedRoom(t)
  const old = [await say(a, alice, roomId, 'two'), await say(a, alice, roomId, 'three')]
  await a.federation.idle()
  for (const server of [a, b]) await server.clock.advance(2 * DAY)
  const fresh = await say(a, alice, roomId, 'four')
  await world.send(a, b, [...old, fresh])
  t.deepEqual(await messagesOf(b, roomId), ['one', 'two', 'three', 'four'])

  const purges = new RoomPurges(a.core.writer)
  const { nid = 0 } = (await a.core.context.read.rooms.byId(roomId)) ?? {}
  await purges.purge({ nid, roomId }, { before: a.clock.now() - DAY }, going)
  t.deepEqual(await messagesOf(a, roomId), ['four'])
  const timeoutMs = 1000
  const backfilled = await b.client.backfill(
    'a.test',
    { roomId, from: [fresh.eventId], limit: 50 },
    { timeoutMs },
  )
  t.deepEqual(backfilled, [fresh.pdu])
  await t.throwsAsync(b.client.getEvent('a.test', old[0]?.eventId ?? '', { timeoutMs }))

  await world.send(b, a, old)
  t.deepEqual(await messagesOf(a, roomId), ['four'], 'sent again')
  world.requests.length = 0
  const request = { direction: 'b', limit: 100, filter: roomEventFilter(undefined) } as const
  const page = await a.rooms.roomHistory.messages(requesterOf(alice), roomId, request)
  t.is(page.chunk.length, 1)
  t.deepEqual(
    world.requests.filter(line => line.includes('backfill')),
    [],
    'and nobody is asked',
  )
  const answer = await say(b, bob, roomId, 'five')
  await world.send(b, a, [answer])
  t.deepEqual(await messagesOf(a, roomId), ['four', 'five'])
})

/** A room of Alice's server that Bob of another has come into; both have its first message. */
const sharedRoom = async (t: ExecutionContext) => {
  const world = new FederationWorld(t)
  const [a, b] = [await world.add('a.test'), await world.add('b.test')]
  for (const server of [a, b]) server.federation.start()
  const [alice, bob] = ['@alice:a.test', '@bob:b.test']
  const roomId = await a.rooms.roomCreation.create(newRoom(a.rooms, alice, { preset: 'public_chat' }), {
    isDirect: false,
  })
  await b.rooms.memberships.join({ userId: bob, roomId, via: ['a.test'] })
  await world.send(a, b, [await say(a, alice, roomId, 'one')])
  return { world, a, b, alice, bob, roomId }
}

test('what builds on purged history is taken in, with the state that its server tells', async t => {
  const { world, a, b, alice, bob, roomId } = await sharedRoom(t)
  world.intercept = ({ path }) => (path.includes('/send/') ? 'unreachable' : undefined)
  for (const server of [a, b]) await server.clock.advance(2 * DAY)
  const late = await say(b, bob, roomId, 'from afar')
  await say(a, alice, roomId, 'two')
  await new RoomPurges(a.core.writer).purge(await roomOf(a, roomId), { before: a.clock.now() - DAY }, going)
  t.deepEqual(await messagesOf(a, roomId), ['two'])
  world.intercept = () => undefined
  await world.send(b, a, [late])
  t.deepEqual(await messagesOf(a, roomId), ['two', 'from afar'], 'and nothing of what was purged')
  t.deepEqual((await a.core.writer.head(roomId))?.joinedHosts().toSorted(), ['a.test', 'b.test'])
})

test('a room that others are in goes once they know that nobody here is', async t => {
  const { a, b, bob, roomId } = await sharedRoom(t)
  const { core, clock, rooms, database } = b
  const { writer } = core
  const requests = new PurgeRequests({
    ...{ writer, clock, log: silentLog, memberships: rooms.memberships },
    purges: new RoomPurges(writer),
    lifetime: new RoomLifetime({ writer, clock, log: silentLog, grace: undefined }),
  })
  const [write, read] = [new PurgeRequestWriter(database), new PurgeRequestReader(database)]
  const request = { roomId, before: undefined, isForced: true }
  await database.commit({ statements: [write.add('all', request, clock.now())] })
  requests.start()
  t.teardown(() => requests.close())
  const membership = async () => (await a.core.writer.head(roomId))?.memberships.get(bob)
  await eventually('the others know', async () => (await membership()) === 'leave')
  t.is(await read.outcome('all'), undefined)
  t.not(await core.context.read.rooms.byId(roomId), undefined, 'it is still needed')
  await eventually('it is done', async () => {
    await clock.advance(60_000)
    return (await read.outcome('all')) !== undefined
  })
  t.is(await core.context.read.rooms.byId(roomId), undefined)
})

const roomOf = async ({ core }: WorldServer, roomId: string) => {
  const room = await core.context.read.rooms.byId(roomId)
  if (room === undefined) throw new Error('there is no such room')
  return room
}
