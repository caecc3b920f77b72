import test from 'ava'
import { countedReads } from '../../test-kit/counted-reads.ts'
import { bothDatabases } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { RoomReader } from './rooms.ts'

bothDatabases(test, 'nothing is asked about no rooms', async (t, plain) => {
  const { database, during } = countedReads(plain)
  const rooms = new RoomReader(database)
  t.is(await during(async () => t.deepEqual(await rooms.byNids([]), [])), 0)
})

bothDatabases(test, 'each event takes the place of the ends that it follows', async (t, database) => {
  const { core, rooms } = await testRooms(database)
  const alice = requesterOf('@alice:here.test')
  const roomId = await rooms.roomCreation.create(newRoom(rooms, alice.userId), { isDirect: false })
  const nid = (await core.context.read.rooms.byId(roomId))?.nid ?? 0
  const ends = async () => (await core.context.read.rooms.extremities(nid)).map(({ eventId }) => eventId)
  const message = { roomId, type: 'm.room.message', content: { body: 'hello' } }
  for (const txnId of ['one', 'two']) {
    const { eventId } = await rooms.sending.message(alice, { ...message, txnId })
    t.deepEqual(await ends(), [eventId])
  }
  const write = core.context.write.rooms
  const [last] = await core.context.read.rooms.extremities(nid)
  const [member] = await core.context.read.state.current(nid)
  if (last === undefined || member === undefined) throw new Error('an empty room')
  const change = async (add: number[], remove: number[]) => {
    await database.commit({ statements: write.extremities(nid, { add, remove }) })
    return (await core.context.read.rooms.extremities(nid)).map(end => end.nid)
  }
  t.deepEqual(new Set(await change([member.nid], [])), new Set([last.nid, member.nid]), 'a fork')
  t.deepEqual(await change([], [member.nid]), [last.nid])
  t.deepEqual(await change([member.nid], [last.nid]), [member.nid])
})
