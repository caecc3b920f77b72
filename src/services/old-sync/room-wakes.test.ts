import test from 'ava'
import { SyncReader } from '../../storage/rooms/sync-reader.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { RoomWakes } from './room-wakes.ts'

const ME = '@me:here.test'

testDatabases(
  test,
  'whoever waits for a room is woken by what happens there, and by nothing else',
  async (t, database) => {
    const { core, rooms } = await testRooms(database)
    const { read } = core.context
    const [tea, cake] = await Promise.all(
      ['tea', 'cake'].map(async () => {
        const roomId = await rooms.roomCreation.create(newRoom(rooms, ME), { isDirect: false })
        return { roomId, nid: (await read.rooms.byId(roomId))?.nid ?? 0 }
      }),
    )
    if (tea === undefined || cake === undefined) return t.fail()
    const wakes = new RoomWakes(database, new SyncReader(database, read.news))
    const say = (roomId: string, txnId: string) =>
      rooms.sending.message(requesterOf(ME), {
        roomId,
        type: 'm.room.message',
        txnId,
        content: { body: 'x' },
      })
    const woken: string[] = []
    const next = Promise.withResolvers<void>()
    const endTea = wakes.on(tea.nid, () => woken.push('tea'))
    const endCake = wakes.on(cake.nid, () => {
      woken.push('cake')
      next.resolve()
    })
    await say(cake.roomId, '1')
    await next.promise
    t.deepEqual([...new Set(woken)], ['cake'])
    endCake()
    const later = Promise.withResolvers<void>()
    const endLater = wakes.on(tea.nid, later.resolve)
    await say(cake.roomId, '2')
    await say(tea.roomId, '3')
    await later.promise
    t.deepEqual([...new Set(woken)], ['cake', 'tea'])
    endTea()
    endLater()
  },
)
