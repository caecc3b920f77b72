import test from 'ava'
import { bothDatabases } from '../../test-kit/database.ts'
import { newRoom, testRooms } from '../../test-kit/rooms.ts'
import { MembershipWriter } from '../rooms/membership-writer.ts'
import { CompanionReader } from './companions.ts'

const ALICE = '@alice:here.test'

bothDatabases(
  test,
  'the servers that are new to somebody are found in rooms of any size',
  async (t, database) => {
    const { core, rooms } = await testRooms(database)
    const write = new MembershipWriter(database)
    const since = database.position('events') + 1_000
    const roomWith = async (hosts: readonly number[], position: number): Promise<number> => {
      const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
      const roomNid = (await core.context.read.rooms.byId(roomId))?.nid ?? 0
      // Two of each server.
      const members = hosts.flatMap(host => [`@a:h${host}.test`, `@b:h${host}.test`])
      const rows = members.map(userId => ({
        ...{ roomNid, userId, host: userId.slice(3), eventNid: 1, position },
        ...({ membership: 'join' } as const),
      }))
      await database.commit({ statements: write.set(rows) })
      return roomNid
    }
    const twelve = Array.from({ length: 12 }, (_, n) => n)
    const large = await roomWith(twelve, since)
    const small = await roomWith([0, 1, 4, 9], since)
    await roomWith([0, 1, 2], since - 1)
    await roomWith([3, 4], since + 1)
    const reader = new CompanionReader(database)
    const newTo = async (roomNid: number): Promise<string[]> =>
      (await reader.hostsNewTo({ roomNid, userId: ALICE }, since - 1, 'here.test')).toSorted()
    const named = (hosts: readonly number[]) => hosts.map(host => `h${host}.test`).toSorted()
    t.deepEqual(await newTo(large), named(twelve.slice(3)))
    t.deepEqual(await newTo(small), named([4, 9]))
  },
)
