import test from 'ava'
import { canonicalJson } from '../../core/canonical-json.ts'
import { MAX_EVENT_BYTES } from '../../core/event/format.ts'
import { roomEventFilter } from '../../core/filter.ts'
import { roomVersions } from '../../core/room-versions.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'

const ALICE = '@alice:here.test'
const BOB = '@bob:here.test'
const ANY = roomEventFilter(undefined)

const bodies = (texts: readonly string[]): unknown[] =>
  texts.map(text => JSON.parse(text)).flatMap(event => event.content.body ?? [])

testDatabases(test, 'a room is made, joined by invitation, and talked in', async (t, database) => {
  const { rooms, core } = await testRooms(database)
  const { roomCreation, memberships, sending, roomHistory, roomReading } = rooms
  const roomId = await roomCreation.create(
    newRoom(rooms, ALICE, { name: 'Tea', topic: 'Leaves', invite: [BOB], alias: '#tea:here.test' }),
    { isDirect: false },
  )
  const invitation = await core.context.read.invitations.one(BOB, roomId)
  t.is(invitation?.status, 'invited')
  t.is(invitation?.sender, ALICE)
  const shown = new Set(invitation?.strippedState.map(event => event['type']))
  for (const type of [
    'm.room.create',
    'm.room.name',
    'm.room.topic',
    'm.room.canonical_alias',
    'm.room.member',
  ]) {
    t.true(shown.has(type), type)
  }
  await t.throwsAsync(
    sending.message(requesterOf(BOB), { roomId, type: 'm.room.message', txnId: '1', content: {} }),
    {
      message: /not in the room/,
    },
  )
  await memberships.join({ userId: BOB, roomId })
  t.is((await core.context.read.invitations.one(BOB, roomId))?.status, 'accepted')
  for (let i = 0; i < 5; i++) {
    const content = { msgtype: 'm.text', body: `message ${i}` }
    await sending.message(requesterOf(i % 2 === 0 ? ALICE : BOB), {
      roomId,
      type: 'm.room.message',
      txnId: `t${i}`,
      content,
    })
  }
  const newest = await roomHistory.messages(requesterOf(BOB), roomId, {
    direction: 'b',
    limit: 3,
    filter: ANY,
  })
  t.deepEqual(bodies(newest.chunk), ['message 4', 'message 3', 'message 2'])
  const older = await roomHistory.messages(requesterOf(BOB), roomId, {
    direction: 'b',
    limit: 100,
    from: newest.end,
    filter: ANY,
  })
  t.deepEqual(bodies(older.chunk), ['message 1', 'message 0'])
  t.is(older.end, undefined)
  t.is(JSON.parse(older.chunk.at(-1) ?? '{}').type, 'm.room.create')
  const state = (await roomReading.state(requesterOf(ALICE), roomId)).map(text => JSON.parse(text))
  t.is(state.find(event => event.type === 'm.room.topic')?.content.topic, 'Leaves')
})

testDatabases(test, 'a transaction sent again, also at once, makes one event', async (t, database) => {
  const { rooms } = await testRooms(database)
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
  const message = { roomId, type: 'm.room.message', txnId: 'same', content: { body: 'once' } }
  const sent = await Promise.all(
    Array.from({ length: 8 }, () => rooms.sending.message(requesterOf(ALICE), message)),
  )
  sent.push(await rooms.sending.message(requesterOf(ALICE), message))
  t.is(new Set(sent.map(({ eventId }) => eventId)).size, 1)
  const otherDevice = await rooms.sending.message(requesterOf(ALICE, 'OTHER'), message)
  t.not(otherDevice.eventId, sent[0]?.eventId)
  const page = await rooms.roomHistory.messages(requesterOf(ALICE), roomId, {
    direction: 'b',
    limit: 50,
    filter: ANY,
  })
  t.is(bodies(page.chunk).length, 2)
})

testDatabases(
  test,
  'an event ends where other servers still take it with the age that they add',
  async (t, database) => {
    const { rooms, core } = await testRooms(database)
    const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, {}), { isDirect: false })
    const say = (bytes: number) =>
      core.sender.send(roomId, {
        type: 'm.room.message',
        sender: ALICE,
        content: { body: 'x'.repeat(bytes) },
      })
    const aged = ({ event }: Awaited<ReturnType<typeof say>>): number =>
      Buffer.byteLength(canonicalJson({ ...event?.pdu, unsigned: { age_ts: core.context.clock.now() } }))
    // The lengths of all that is not the body are those of the second of two messages.
    await say(0)
    const room = MAX_EVENT_BYTES - aged(await say(0))
    t.is(aged(await say(room)), MAX_EVENT_BYTES)
    await t.throwsAsync(say(room + 1), { message: /longer than 65500 bytes/ })
  },
)

testDatabases(test, 'who has left sees what was there, not what came after', async (t, database) => {
  const { rooms } = await testRooms(database)
  const { sending, memberships, roomHistory, roomReading } = rooms
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, { invite: [BOB] }), {
    isDirect: false,
  })
  await memberships.join({ userId: BOB, roomId })
  const say = (body: string) =>
    sending.message(requesterOf(ALICE), { roomId, type: 'm.room.message', txnId: body, content: { body } })
  const { eventId } = await say('before')
  await memberships.leave({ userId: BOB, roomId })
  await say('after')
  await sending.state(requesterOf(ALICE), {
    roomId,
    type: 'm.room.name',
    stateKey: '',
    content: { name: 'Secret' },
  })
  const page = await roomHistory.messages(requesterOf(BOB), roomId, {
    direction: 'b',
    limit: 50,
    filter: ANY,
  })
  t.deepEqual(bodies(page.chunk), ['before'])
  const state = await roomReading.state(requesterOf(BOB), roomId)
  t.false(state.some(text => text.includes('Secret')))
  await t.notThrowsAsync(roomReading.event(requesterOf(BOB), roomId, eventId))
  await memberships.forget(BOB, roomId)
  await t.throwsAsync(roomReading.state(requesterOf(BOB), roomId), { message: /not in this room/ })
  await t.throwsAsync(roomReading.event(requesterOf(BOB), roomId, eventId), { message: /no such event/ })
  await t.throwsAsync(memberships.forget(ALICE, roomId), { message: /leave it first/ })
})

testDatabases(test, 'a redaction takes the content away, and says so', async (t, database) => {
  const { rooms } = await testRooms(database)
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, { invite: [BOB] }), {
    isDirect: false,
  })
  await rooms.memberships.join({ userId: BOB, roomId })
  const { eventId } = await rooms.sending.message(requesterOf(ALICE), {
    roomId,
    type: 'm.room.message',
    txnId: '1',
    content: { body: 'oops' },
  })
  const redaction = { roomId, redacts: eventId, txnId: '2', reason: 'typo' }
  await t.throwsAsync(rooms.sending.redaction(requesterOf(BOB), redaction), {
    message: /may not redact this event/,
  })
  await rooms.sending.redaction(requesterOf(ALICE), redaction)
  const event = JSON.parse(await rooms.roomReading.event(requesterOf(BOB), roomId, eventId))
  t.deepEqual(event.content, {})
  t.is(event.unsigned.redacted_because.content.reason, 'typo')
  const spam = { roomId, type: 'm.room.message', txnId: '3', content: { body: 'spam' } }
  const ofUser = await rooms.sending.message(requesterOf(ALICE), spam)
  const byAdmin = { roomId, redacts: ofUser.eventId, txnId: '4', reason: 'spam' }
  await rooms.sending.redaction({ ...requesterOf(BOB), isAdmin: true }, byAdmin)
  t.deepEqual(JSON.parse(await rooms.roomReading.event(requesterOf(BOB), roomId, ofUser.eventId)).content, {})
})

for (const id of roomVersions.keys()) {
  testDatabases(test, `a room of version ${id} works`, async (t, database) => {
    const { rooms } = await testRooms(database)
    const version = rooms.roomSettings.versionFor(id)
    const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, { version, invite: [BOB] }), {
      isDirect: false,
    })
    await rooms.memberships.join({ userId: BOB, roomId })
    await rooms.sending.message(requesterOf(BOB), {
      roomId,
      type: 'm.room.message',
      txnId: '1',
      content: { body: 'hello' },
    })
    await rooms.memberships.kick({ sender: ALICE, userId: BOB, roomId })
    await rooms.memberships.ban({ sender: ALICE, userId: BOB, roomId })
    await t.throwsAsync(rooms.memberships.join({ userId: BOB, roomId }), { message: /banned/ })
    await rooms.memberships.unban({ sender: ALICE, userId: BOB, roomId })
    const state = (await rooms.roomReading.state(requesterOf(ALICE), roomId)).map(text => JSON.parse(text))
    const bob = state.find(event => event.type === 'm.room.member' && event.state_key === BOB)
    t.is(bob?.content.membership, 'leave')
  })
}

testDatabases(
  test,
  'what has no canonical form, or is too large, is refused and changes nothing',
  async (t, database) => {
    const { rooms, core } = await testRooms(database)
    const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
    const before = database.position('events')
    const send = (content: Record<string, string | number>, type = 'm.room.message') =>
      rooms.sending.message(requesterOf(ALICE), { roomId, type, txnId: `${Math.random()}`, content })
    await t.throwsAsync(send({ half: 0.5 }), { message: /canonical/ })
    await t.throwsAsync(send({ body: '\ud800' }), { message: /surrogate|canonical|well-formed/i })
    await t.throwsAsync(send({ body: 'x'.repeat(70_000) }), { message: /longer than 65500/ })
    await t.throwsAsync(send({}, 'x'.repeat(256)), { message: /255|type/ })
    await t.throwsAsync(send({}, 'a\0b'), { message: /NUL/ })
    t.is(database.position('events'), before)
    t.is((await core.writer.head(roomId))?.extremities.length, 1)
  },
)

testDatabases(test, 'nothing is kept in memory of a room that could not be made', async (t, database) => {
  const { rooms, core } = await testRooms(database)
  const initialState = [
    { type: 'm.room.topic', stateKey: '', content: { topic: 'tea' } },
    { type: 'm.room.member', stateKey: BOB, content: { membership: 'join' } },
  ]
  const made = rooms.roomCreation.create(newRoom(rooms, ALICE, { initialState }), { isDirect: false })
  await t.throwsAsync(made, { message: /not possible/ })
  const nids = Array.from({ length: 100 }, (_, index) => index)
  t.deepEqual(await core.context.read.events.byNids(nids), [])
})

testDatabases(test, 'only users are made members', async (t, database) => {
  const { rooms } = await testRooms(database)
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
  const set = (stateKey: string) =>
    rooms.sending.state(requesterOf(ALICE), {
      ...{ roomId, type: 'm.room.member', stateKey },
      content: { membership: 'ban' },
    })
  for (const stateKey of ['', 'bob', '@bob', '@bob:', `@${'b'.repeat(255)}:here.test`])
    await t.throwsAsync(set(stateKey), { message: /is not a user ID/ })
  const begun = (stateKey: string, membership: string) => {
    const initialState = [{ type: 'm.room.member', stateKey, content: { membership } }]
    return rooms.roomCreation.create(newRoom(rooms, ALICE, { initialState }), { isDirect: false })
  }
  await t.throwsAsync(begun('bob', 'ban'), { message: /is not a user ID/ })
  await t.notThrowsAsync(begun(BOB, 'ban'))
  await t.notThrowsAsync(set('@Böb/:there.test'))
})
