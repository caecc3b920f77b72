import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'

const ALICE = '@alice:here.test'

testDatabases(test, 'concurrent sends form one chain', async (t, database) => {
  const { rooms, core } = await testRooms(database)
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
  const sends = Array.from({ length: 50 }, (_, i) =>
    rooms.sending.message(requesterOf(ALICE), {
      roomId,
      type: 'm.room.message',
      txnId: `t${i}`,
      content: { body: `${i}` },
    }),
  )
  const ids = (await Promise.all(sends)).map(({ eventId }) => eventId)
  const events = [...(await core.context.read.events.byIds(ids)).values()]
  const inOrder = events.map(({ event }) => event).sort((a, b) => a.depth - b.depth)
  for (const [index, event] of inOrder.entries()) {
    const before = inOrder[index - 1]
    if (before !== undefined) t.deepEqual(event.prevEvents, [before.eventId])
  }
  const room = await core.context.read.rooms.byId(roomId)
  t.is((await core.context.read.rooms.extremities(room?.nid ?? 0)).length, 1)
})

testDatabases(test, 'two processes may write to one room', async (t, database, config) => {
  const { openDatabase } = await import('../../storage/open.ts')
  const other = await openDatabase(config)
  t.teardown(() => other.close())
  const here = await testRooms(database)
  const there = await testRooms(other)
  const roomId = await here.rooms.roomCreation.create(newRoom(here.rooms, ALICE), { isDirect: false })
  const send = ({ rooms }: typeof here, i: number) =>
    rooms.sending.message(requesterOf(ALICE, `D${i}`), {
      roomId,
      type: 'm.room.message',
      txnId: `t${i}`,
      content: { body: `${i}` },
    })
  const sent = await Promise.all(Array.from({ length: 12 }, (_, i) => send(i % 2 === 0 ? here : there, i)))
  const events = await here.core.context.read.events.byIds(sent.map(({ eventId }) => eventId))
  const depths = [...events.values()].map(({ event }) => event.depth)
  t.is(new Set(depths).size, 12, 'each builds on another')
})

testDatabases(
  test,
  'rooms made by one person in the same millisecond are different rooms',
  async (t, database) => {
    const { rooms } = await testRooms(database)
    const make = () => rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
    const ids = await Promise.all(Array.from({ length: 10 }, make))
    t.is(new Set(ids).size, 10)
  },
)
