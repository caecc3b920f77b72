import test, { registerCompletionHandler } from 'ava'
import { Direction, EventType, MsgType, Preset, RelationType, Visibility } from 'matrix-js-sdk'
import { type SdkUser, startSdkUser } from '../src/test-kit/js-sdk.ts'
import { type RunningTestServer, startTestServer, TEST_PASSWORD } from '../src/test-kit/server.ts'

// The SDK leaves timers behind: see src/test-kit/js-sdk.ts.
registerCompletionHandler(() => process.exit())

/** Two people whom all tests share, with a server of their own and clients that do not encrypt. */
let alice: SdkUser
let bob: SdkUser
let server: RunningTestServer

test.before(async () => {
  server = await startTestServer()
  const start = async (name: string): Promise<SdkUser> => {
    await server.register(name)
    return startSdkUser(server.url, name, TEST_PASSWORD, { encryption: false })
  }
  ;[alice, bob] = await Promise.all([start('alice'), start('bob')])
})

test.after.always(async () => {
  await Promise.all([alice.stop(), bob.stop()])
  await server.close()
})

const openRoom = async ({ client }: SdkUser, more: object = {}): Promise<string> =>
  (await client.createRoom({ preset: Preset.PublicChat, ...more })).room_id

test('threads, edits and reactions are what the SDK makes of them', async t => {
  const roomId = await openRoom(alice)
  await bob.client.joinRoom(roomId)
  await alice.membership(roomId, 'join', bob.userId)
  const { event_id: root } = await alice.client.sendTextMessage(roomId, 'shall we?')
  await alice.client.sendTextMessage(roomId, root, 'yes')
  const { event_id: reply } = await bob.client.sendTextMessage(roomId, root, 'no')
  const better = { msgtype: MsgType.Text, body: 'shall we not?' } as const
  await alice.client.sendMessage(roomId, {
    ...better,
    'm.new_content': better,
    'm.relates_to': { rel_type: RelationType.Replace, event_id: root },
  })
  const react = () =>
    bob.client.sendEvent(roomId, EventType.Reaction, {
      'm.relates_to': { rel_type: RelationType.Annotation, event_id: root, key: '🎉' },
    })
  await react()
  await t.throwsAsync(react(), { message: /M_DUPLICATE_ANNOTATION|already/ })

  const raw = await bob.client.fetchRoomEvent(roomId, root)
  const event = bob.client.getEventMapper()(raw)
  t.is(
    event.getServerAggregatedRelation<{ event_id: string }>(RelationType.Replace)?.event_id !== undefined,
    true,
  )
  const thread = event.getServerAggregatedRelation<{ count: number; latest_event: { event_id: string } }>(
    RelationType.Thread,
  )
  t.is(thread?.count, 2)
  t.is(thread?.latest_event.event_id, reply)
  const { events } = await bob.client.relations(roomId, root, RelationType.Thread, null, {
    dir: Direction.Forward,
  })
  t.deepEqual(
    events.map(one => one.getContent()['body']),
    ['yes', 'no'],
  )
  const list = await bob.client.createThreadListMessagesRequest(roomId, null, 10, Direction.Backward)
  t.deepEqual(
    list.chunk.map(one => one.event_id),
    [root],
  )
  await alice.client.redactEvent(roomId, reply)
  const after = bob.client.getEventMapper()(await bob.client.fetchRoomEvent(roomId, root))
  t.is(after.getServerAggregatedRelation<{ count: number }>(RelationType.Thread)?.count, 1)
})

test('rooms, messages and people are found', async t => {
  const roomId = await openRoom(alice, {
    visibility: Visibility.Public,
    name: 'Botany',
    topic: 'Green things',
  })
  const { chunk } = await bob.client.publicRooms({ filter: { generic_search_term: 'green' } })
  t.deepEqual(
    chunk.map(room => [room.room_id, room.name]),
    [[roomId, 'Botany']],
  )
  t.like(await bob.client.getRoomSummary(roomId), { name: 'Botany', num_joined_members: 1 })
  await bob.client.joinRoom(roomId)
  for (const text of ['a fern', 'another fern', 'a rose']) await alice.client.sendTextMessage(roomId, text)
  const found = await bob.client.searchRoomEvents({ term: 'fern' })
  t.is(found.count, 2)
  t.deepEqual(found.results.map(one => one.context.getEvent().getContent()['body']).sort(), [
    'a fern',
    'another fern',
  ])
  const { results } = await bob.client.searchUserDirectory({ term: 'ali' })
  t.deepEqual(
    results.map(user => user.user_id),
    [alice.userId],
  )
  const start = await bob.client.timestampToEvent(roomId, 0, Direction.Forward)
  const first = await bob.client.fetchRoomEvent(roomId, start.event_id)
  t.is(first.type, 'm.room.create')
})

test('a space is walked, and a room is replaced by another version', async t => {
  const space = await openRoom(alice, { name: 'Campus', creation_content: { type: 'm.space' } })
  const roomId = await openRoom(alice, { name: 'Library', room_version: '10', room_alias_name: 'library' })
  await alice.client.sendStateEvent(space, EventType.SpaceChild, { via: ['localhost'] }, roomId)
  const { rooms } = await bob.client.getRoomHierarchy(space)
  t.deepEqual(
    rooms.map(room => room.name),
    ['Campus', 'Library'],
  )
  await bob.client.joinRoom(roomId)
  await bob.client.setRoomTag(roomId, 'm.favourite', { order: 0.5 })
  const { replacement_room: replacement } = await alice.client.upgradeRoom(roomId, '12')
  const tombstone = await bob.until('the tombstone', client =>
    client.getRoom(roomId)?.currentState.getStateEvents(EventType.RoomTombstone, '')?.getContent(),
  )
  t.is(tombstone['replacement_room'], replacement)
  await bob.client.joinRoom(String(tombstone['replacement_room']))
  const room = await bob.until('the new room', client => {
    const joined = client.getRoom(replacement)
    return joined?.getCanonicalAlias() === null ? undefined : (joined ?? undefined)
  })
  t.is(room.getVersion(), '12')
  t.is(room.findPredecessor()?.roomId, roomId)
  t.is(room.name, 'Library')
  t.truthy(await bob.until('the tag', client => client.getRoom(replacement)?.tags['m.favourite']))
  t.is((await bob.client.getRoomIdForAlias('#library:localhost')).room_id, replacement)
})

test('who comes into a room after they had declined an invitation finds what was said before', async t => {
  const roomId = await openRoom(alice)
  await alice.client.sendTextMessage(roomId, 'before')
  for (const answer of ['decline', 'join'] as const) {
    await alice.client.invite(roomId, bob.userId)
    await bob.membership(roomId, 'invite')
    if (answer === 'join') await bob.client.joinRoom(roomId)
    else await bob.client.leave(roomId)
    await bob.membership(roomId, answer === 'join' ? 'join' : 'leave')
    await alice.client.sendTextMessage(roomId, `after: ${answer}`)
  }
  await bob.message(roomId, 'after: join')
  const room = bob.client.getRoom(roomId)
  if (room === null) return t.fail()
  await bob.client.scrollback(room, 100)
  const texts = room
    .getLiveTimeline()
    .getEvents()
    .flatMap(event => event.getContent()['body'] ?? [])
  t.deepEqual(texts, ['before', 'after: decline', 'after: join'])
})

test('who missed much before they were removed from a room finds it once they are back', async t => {
  const network = { isDown: false }
  await server.register('carl')
  const carl = await startSdkUser(server.url, 'carl', TEST_PASSWORD, { encryption: false, network })
  t.teardown(() => carl.stop())
  const roomId = await openRoom(alice)
  await carl.client.joinRoom(roomId)
  const said = ['seen', ...Array.from({ length: 30 }, (_, n) => `unseen ${n}`), 'back']
  const say = async (texts: readonly string[]): Promise<void> => {
    for (const text of texts) await alice.client.sendTextMessage(roomId, text)
  }
  await say(said.slice(0, 1))
  await carl.message(roomId, 'seen')
  network.isDown = true
  await say(said.slice(1, -1))
  await alice.client.kick(roomId, carl.userId)
  network.isDown = false
  carl.client.retryImmediately()
  await carl.membership(roomId, 'leave')
  await carl.client.joinRoom(roomId)
  await say(said.slice(-1))
  await carl.message(roomId, 'back')
  const room = carl.client.getRoom(roomId)
  if (room === null) return t.fail()
  await carl.client.scrollback(room, 100)
  const events = room.getLiveTimeline().getEvents()
  t.deepEqual(
    events.flatMap(event => event.getContent()['body'] ?? []),
    said,
  )
})
