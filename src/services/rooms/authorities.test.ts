import test from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { roomVersion } from '../../core/room-versions.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'

const [ALICE, BOB] = ['@alice:here.test', '@bob:here.test']

test('what authorises messages follows every change of the state', async t => {
  const { core, rooms } = await testRooms(await testDatabase(t))
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, { isPublic: true }), {
    isDirect: false,
  })
  await rooms.memberships.join({ userId: BOB, roomId })
  let sent = 0
  const say = (userId: string) =>
    rooms.sending.message(requesterOf(userId), {
      ...{ roomId, type: 'm.room.message', txnId: `${++sent}`, content: { body: 'hello' } },
    })
  const setState = (type: string, stateKey: string, content: JsonObject) =>
    rooms.sending.state(requesterOf(ALICE), { roomId, type, stateKey, content })
  /** What the newest message of somebody says authorises it, against what holds. */
  const isAuthorisedByTheState = async (userId: string): Promise<boolean> => {
    const { eventId } = await say(userId)
    const head = await core.writer.head(roomId)
    const { event } = (await core.context.read.events.byId(eventId)) ?? {}
    const points = [head?.entry('m.room.power_levels', ''), head?.entry('m.room.member', userId)]
    return points.every(entry => event?.authEvents.includes(entry?.eventId ?? '') === true)
  }
  t.true(await isAuthorisedByTheState(BOB))
  t.true(await isAuthorisedByTheState(BOB))
  const head = await core.writer.head(roomId)
  const levels = await core.context.read.events.byId(head?.entry('m.room.power_levels', '')?.eventId ?? '')
  const content = levels?.event.content ?? {}
  await setState('m.room.power_levels', '', { ...content, events_default: 50 })
  await t.throwsAsync(say(BOB), { message: /power|level|may not/i })
  t.true(await isAuthorisedByTheState(ALICE))
  await setState('m.room.power_levels', '', { ...content, events_default: 0 })
  t.true(await isAuthorisedByTheState(BOB))
  await rooms.memberships.join({ userId: BOB, roomId, content: { displayname: 'Bob' } })
  t.true(await isAuthorisedByTheState(BOB), 'also by another event of the same member')
  await rooms.memberships.leave({ userId: BOB, roomId })
  await t.throwsAsync(say(BOB))
})

test('what one type of message is allowed by says nothing of another, nor of what is redacted', async t => {
  const { rooms } = await testRooms(await testDatabase(t))
  const version = roomVersion('1') ?? rooms.roomSettings.versionFor(undefined)
  const options = { isPublic: true, version }
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, options), { isDirect: false })
  await rooms.memberships.join({ userId: BOB, roomId })
  let sent = 0
  const say = (userId: string, type: string) =>
    rooms.sending.message(requesterOf(userId), {
      ...{ roomId, type, txnId: `${++sent}`, content: { body: 'hello' } },
    })
  const redact = (redacts: string) =>
    rooms.sending.redaction(requesterOf(BOB), { roomId, redacts, txnId: `${++sent}`, reason: undefined })
  await rooms.sending.state(requesterOf(ALICE), {
    ...{ roomId, type: 'm.room.power_levels', stateKey: '' },
    content: { users: { [ALICE]: 100 }, events: { 'test.high': 50 } },
  })
  await say(BOB, 'm.room.message')
  await t.throwsAsync(say(BOB, 'test.high'), { message: /power level 50/ })
  await say(BOB, 'm.room.message')
  const theirs = await say(ALICE, 'test.high')
  const own = await say(BOB, 'm.room.message')
  await redact(own.eventId)
  await t.throwsAsync(redact(theirs.eventId))
})

test('what has no state key and is of the type of power levels is judged by what it says each time', async t => {
  const { rooms } = await testRooms(await testDatabase(t))
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, { isPublic: true }), {
    isDirect: false,
  })
  let sent = 0
  const say = (content: JsonObject) =>
    rooms.sending.message(requesterOf(ALICE), {
      ...{ roomId, type: 'm.room.power_levels', txnId: `${++sent}`, content },
    })
  await say({ users_default: 0 })
  await t.throwsAsync(say({ users_default: 'much' }), { message: /integer/ })
})
