import test from 'ava'
import { roomEventFilter } from '../../core/filter.ts'
import type { JsonObject } from '../../core/json.ts'
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
          filter: roomEventFilter(inRoom === undefined ? {} : { rooms: [inRoom] }),
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

testDatabases(
  test,
  'only what a filter lets through counts, and older messages are found where it lets few through',
  async (t, database) => {
    const { core, rooms } = await testRooms(database)
    const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, { isPublic: true, name: 'tea' }), {
      isDirect: false,
    })
    await rooms.memberships.join({ userId: BOB, roomId })
    const say = (sender: string) =>
      core.sender.send(roomId, {
        type: 'm.room.message',
        sender,
        content: { msgtype: 'm.text', body: 'tea' },
      })
    for (const sender of [BOB, ALICE, ALICE, ALICE, ALICE]) await say(sender)
    const count = async (filter: JsonObject): Promise<number> => {
      const query = { userId: ALICE, phrases: [['tea']], upToNid: Number.MAX_SAFE_INTEGER }
      const { hits } = await findCandidates(
        core.context.read,
        core.views.sights,
        {
          ...query,
          ...{ keys: ['content.body', 'content.name'], order: 'recent', filter: roomEventFilter(filter) },
        },
        4,
      )
      return hits.length
    }
    t.deepEqual(
      await Promise.all([
        count({ senders: [BOB] }),
        count({ not_senders: [ALICE] }),
        count({ types: ['m.room.name'] }),
        count({ not_types: ['m.room.*'] }),
        count({ types: ['m.room.name'], senders: [BOB] }),
      ]),
      [1, 1, 1, 0, 0],
    )
  },
)
