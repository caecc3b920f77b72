import test from 'ava'
import type { StreamName } from '../../storage/database.ts'
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

test('whoever waits hears also of what comes just as the last look ends', async t => {
  for (let ticks = 0; ticks < 10; ticks++) {
    let position = 0
    let commit = (_moved: ReadonlyMap<StreamName, number>): void => undefined
    const looked = Promise.withResolvers<void>()
    const db = {
      position: () => position,
      onCommit: (listener: typeof commit) => {
        commit = listener
        return () => undefined
      },
    }
    const wakes = new RoomWakes(db, {
      touchedRooms: async (_after, upTo) => {
        if (upTo < 2) await looked.promise
        return upTo < 2 ? [] : [{ roomNid: 7, position: upTo, redacts: false }]
      },
    })
    let isWoken = false
    wakes.on(7, () => {
      isWoken = true
    })
    const store = (): void => {
      position += 1
      commit(new Map([['events', position]]))
    }
    store()
    looked.resolve()
    for (let n = 0; n < ticks; n++) await undefined
    store()
    await new Promise(resolve => setImmediate(resolve))
    t.true(isWoken, `after ${ticks}`)
  }
})
