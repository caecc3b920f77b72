import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'

const ANN = '@ann:here.test'
const BOB = '@bob:here.test'

testDatabases(
  test,
  'what was redacted after somebody had left is shown to them without its content',
  async (t, database) => {
    const rooms = await testRooms(database)
    const { ask, close } = testSync(rooms, database)
    t.teardown(close)
    const { memberships, roomCreation, sending } = rooms.rooms
    const roomId = await roomCreation.create(newRoom(rooms.rooms, ANN, { isPublic: true }), {
      isDirect: false,
    })
    await memberships.join({ userId: BOB, roomId })
    const { next_batch: since } = await ask(BOB)
    const message = { roomId, type: 'm.room.message', txnId: '1', content: { body: 'secret' } }
    const { eventId } = await sending.message(requesterOf(ANN), message)
    await memberships.leave({ userId: BOB, roomId })
    await sending.redaction(requesterOf(ANN), { roomId, redacts: eventId, txnId: '2', reason: undefined })
    const answer = await ask(BOB, { since })
    const shown = answer.rooms?.leave?.[roomId]?.timeline.events.find(event => event.event_id === eventId)
    t.deepEqual(shown?.content, {})
  },
)

testDatabases(test, 'what a ban has redacted is shown without its content', async (t, database) => {
  const rooms = await testRooms(database)
  const { ask, close } = testSync(rooms, database)
  t.teardown(close)
  const { memberships, roomCreation, sending } = rooms.rooms
  const roomId = await roomCreation.create(newRoom(rooms.rooms, ANN, { isPublic: true }), { isDirect: false })
  await memberships.join({ userId: BOB, roomId })
  const { next_batch: since } = await ask(ANN)
  const message = { roomId, type: 'm.room.message', txnId: '1', content: { body: 'secret' } }
  const { eventId } = await sending.message(requesterOf(BOB), message)
  await sending.state(requesterOf(ANN), {
    ...{ roomId, type: 'm.room.member', stateKey: BOB },
    content: { membership: 'ban', 'org.matrix.msc4293.redact_events': true },
  })
  for (const who of [ANN, BOB]) {
    const { rooms: told } = await ask(who, { since })
    const { timeline } = told?.join?.[roomId] ?? told?.leave?.[roomId] ?? {}
    const shown = timeline?.events.find(event => event.event_id === eventId)
    t.deepEqual(shown?.content, {}, who)
  }
})

testDatabases(
  test,
  'why something was redacted is no longer told once that is redacted',
  async (t, database) => {
    const rooms = await testRooms(database)
    const { ask, close } = testSync(rooms, database)
    t.teardown(close)
    const { roomCreation, sending } = rooms.rooms
    const roomId = await roomCreation.create(newRoom(rooms.rooms, ANN, { isPublic: true }), {
      isDirect: false,
    })
    const message = { roomId, type: 'm.room.message', txnId: '1', content: { body: 'secret' } }
    const { eventId } = await sending.message(requesterOf(ANN), message)
    const redact = (redacts: string, txnId: string, reason: string | undefined) =>
      sending.redaction(requesterOf(ANN), { roomId, redacts, txnId, reason })
    const because = async () => {
      const shown = (await ask(ANN)).rooms?.join?.[roomId]?.timeline.events
      const unsigned = shown?.find(event => event.event_id === eventId)?.unsigned
      return (unsigned as { redacted_because?: { content: object } } | undefined)?.redacted_because?.content
    }
    const redaction = await redact(eventId, '2', 'an insult')
    t.like(await because(), { reason: 'an insult' })
    await redact(redaction.eventId, '3', undefined)
    t.deepEqual(await because(), { redacts: eventId })
  },
)

testDatabases(
  test,
  'what a ban has redacted in one process is forgotten by the others',
  async (t, database) => {
    const [rooms, others] = [await testRooms(database), await testRooms(database)]
    const { ask, close } = testSync(others, database)
    t.teardown(close)
    const { memberships, roomCreation, sending } = rooms.rooms
    const roomId = await roomCreation.create(newRoom(rooms.rooms, ANN, { isPublic: true }), {
      isDirect: false,
    })
    await memberships.join({ userId: BOB, roomId })
    const message = { roomId, type: 'm.room.message', txnId: '1', content: { body: 'secret' } }
    const { eventId } = await sending.message(requesterOf(BOB), message)
    const kept = async () => (await others.core.context.read.events.byId(eventId))?.redactedBy
    await ask(ANN)
    t.is(await kept(), undefined)
    const ban = await sending.state(requesterOf(ANN), {
      ...{ roomId, type: 'm.room.member', stateKey: BOB },
      content: { membership: 'ban', 'org.matrix.msc4293.redact_events': true },
    })
    await ask(ANN)
    t.is(await kept(), (await others.core.context.read.events.byId(ban.eventId))?.nid)
  },
)
