import test from 'ava'
import { formatStreamToken } from '../../core/stream-token.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'

const [ALICE, BOB, CAROL] = ['@alice:here.test', '@bob:here.test', '@carol:here.test']

testDatabases(
  test,
  'who was in a room before one could see into it is not told by asking for that time',
  async (t, database) => {
    const { rooms } = await testRooms(database)
    const { memberships, roomCreation, roomReading } = rooms
    const visited = async (visibility: string) => {
      const initialState = [
        { type: 'm.room.history_visibility', stateKey: '', content: { history_visibility: visibility } },
      ]
      const settings = newRoom(rooms, ALICE, { preset: 'public_chat', initialState })
      const roomId = await roomCreation.create(settings, { isDirect: false })
      await memberships.join({ userId: CAROL, roomId })
      const at = formatStreamToken({ events: database.position('events') })
      await memberships.leave({ userId: CAROL, roomId })
      await memberships.join({ userId: BOB, roomId })
      const joined = async (at?: string) => {
        const found: string[] = []
        for await (const slice of await roomReading.members(requesterOf(BOB), roomId, {
          at,
          membership: 'join',
        }))
          for (const text of slice) found.push((JSON.parse(text) as { state_key: string }).state_key)
        return found.sort()
      }
      return { before: await joined(at), now: await joined() }
    }
    t.deepEqual(await visited('shared'), { before: [ALICE, CAROL], now: [ALICE, BOB] })
    t.deepEqual(await visited('joined'), { before: [ALICE, BOB], now: [ALICE, BOB] })
  },
)
