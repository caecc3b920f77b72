import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { inboxesOf, testInboxes } from '../../test-kit/inboxes.ts'
import { newRoom } from '../../test-kit/rooms.ts'

const [ALICE, BOB] = ['@alice:here.test', '@bob:here.test']

testDatabases(test, 'whoever reads an answer in its room has heard of it', async (t, database) => {
  const before = await testInboxes(t, database)
  const { rooms, core } = before
  const room = newRoom(rooms, ALICE, { invite: [BOB] })
  const roomId = await rooms.roomCreation.create(room, { isDirect: false })
  const elsewhere = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
  await before.settled()
  await before.notifications.close()
  await rooms.memberships.join({ userId: BOB, roomId })
  const eventId = (await core.writer.head(roomId))?.entry('m.room.member', BOB)?.eventId ?? ''
  // Much may happen between the answer and what is told of it.
  await before.say(ALICE, elsewhere)

  const world = inboxesOf(t, { ...before, database })
  const kinds = async () => {
    await world.settled()
    return (await world.list(ALICE)).items.map(({ kind }) => kind)
  }
  t.deepEqual(await kinds(), ['invitation_accepted'])
  await world.receipts.mark(ALICE, roomId, [{ type: 'm.read', eventId, threadId: undefined }])
  t.deepEqual(await kinds(), [])
})

testDatabases(test, 'nobody is told of an answer that they have read before', async (t, database) => {
  const before = await testInboxes(t, database)
  const { rooms, core } = before
  const room = newRoom(rooms, ALICE, { invite: [BOB] })
  const roomId = await rooms.roomCreation.create(room, { isDirect: false })
  await before.settled()
  await before.notifications.close()
  await rooms.memberships.join({ userId: BOB, roomId })
  const eventId = (await core.writer.head(roomId))?.entry('m.room.member', BOB)?.eventId ?? ''
  await before.receipts.mark(ALICE, roomId, [{ type: 'm.read', eventId, threadId: undefined }])
  const world = inboxesOf(t, { ...before, database })
  await world.settled()
  t.deepEqual((await world.list(ALICE)).items, [])
})
