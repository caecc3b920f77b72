import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, testRooms } from '../../test-kit/rooms.ts'
import { findCandidates } from './search-candidates.ts'

const ALICE = '@alice:here.test'
const BOB = '@bob:here.test'

testDatabases(
  test,
  'what the searcher may not see takes no place from what they may, however much it is',
  async (t, database) => {
    const { core, rooms } = await testRooms(database)
    const makeRoom = async (): Promise<string> => {
      const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, { isPublic: true }), {
        isDirect: false,
      })
      await rooms.memberships.join({ userId: BOB, roomId })
      return roomId
    }
    const say = async (roomId: string, times: number): Promise<void> => {
      const content = { msgtype: 'm.text', body: 'tea' }
      for (let n = 0; n < times; n++)
        await core.sender.send(roomId, { type: 'm.room.message', sender: ALICE, content })
    }
    const [quiet, busy] = [await makeRoom(), await makeRoom()]
    await say(quiet, 3)
    await say(busy, 2)
    await rooms.memberships.leave({ userId: BOB, roomId: busy })
    await say(busy, 12)
    const search = (upToNid: number, maxHits: number, inRoom?: string) =>
      findCandidates(
        core.context.read,
        core.views.sights,
        {
          ...{ userId: BOB, phrases: [['tea']], keys: ['content.body'], order: 'recent', upToNid },
          matchesRoom: roomId => inRoom === undefined || roomId === inRoom,
        },
        maxHits,
      )
    const found = await search(Number.MAX_SAFE_INTEGER, 5)
    t.is(found.hits.length, 3)
    await say(quiet, 1)
    t.deepEqual((await search(found.newest, 5)).hits, found.hits, 'the next page is of the same search')
    t.is((await search(Number.MAX_SAFE_INTEGER, 2)).hits.length, 3)
    t.is((await search(Number.MAX_SAFE_INTEGER, 5, busy)).hits.length, 2, 'in a room that was left long ago')
  },
)
