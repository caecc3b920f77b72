import test from 'ava'
import { silentLog } from '../../core/log.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { testInboxes } from '../../test-kit/inboxes.ts'
import { newRoom } from '../../test-kit/rooms.ts'
import { RoomLifetime } from '../rooms/room-lifetime.ts'

const [ALICE, BOB, CAROL] = ['@alice:here.test', '@bob:here.test', '@carol:here.test']

testDatabases(test, 'nothing waits because of rooms that are removed', async (t, database) => {
  const world = await testInboxes(t, database)
  const { rooms, core, clock, notifications } = world
  const { housekeeping } = notifications
  await world.list(BOB)
  const kinds = async () => {
    await world.settled()
    return (await world.list(BOB)).items.map(({ kind }) => kind).toSorted()
  }
  const begin = async (): Promise<string> => {
    const room = newRoom(rooms, ALICE, { isPublic: true, invite: [CAROL] })
    const roomId = await rooms.roomCreation.create(room, { isDirect: false })
    await rooms.memberships.join({ userId: BOB, roomId })
    await world.say(ALICE, roomId, { 'm.mentions': { user_ids: [BOB] } })
    await world.say(ALICE, roomId)
    return roomId
  }
  const [first, second] = [await begin(), await begin()]
  t.deepEqual(await kinds(), ['mention', 'mention', 'message', 'message'])
  await rooms.roomCreation.create(newRoom(rooms, ALICE, { invite: [BOB] }), { isDirect: false })
  const lifetime = new RoomLifetime({ writer: core.writer, clock, log: silentLog, grace: undefined })
  lifetime.onRemoved = roomId => housekeeping.roomGone(roomId)
  await lifetime.removeNow(first)
  t.deepEqual(await kinds(), ['invitation', 'mention', 'message'])
  lifetime.onRemoved = async () => {}
  await lifetime.removeNow(second)
  t.deepEqual(await kinds(), ['invitation', 'mention', 'message'], 'a stop came between')
  await housekeeping.tidy()
  t.deepEqual(await kinds(), ['invitation'])
})
