import test from 'ava'
import { countedReads } from '../../test-kit/counted-reads.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, testRooms } from '../../test-kit/rooms.ts'
import { restrictedJoin } from './restricted-join.ts'

const ALICE = '@alice:here.test'
const BOB = '@bob:here.test'

testDatabases(test, 'the rooms that a join depends on are asked about together', async (t, plain) => {
  const { database, during } = countedReads(plain)
  const { core, rooms } = await testRooms(database)
  const make = (fields: Parameters<typeof newRoom>[2]) =>
    rooms.roomCreation.create(newRoom(rooms, ALICE, fields), { isDirect: false })
  const clubs = await Promise.all(['one', 'two', 'three'].map(name => make({ name, preset: 'public_chat' })))
  const answer = async (roomIds: readonly string[]) => {
    const allow = roomIds.map(each => ({ type: 'm.room_membership', room_id: each }))
    const content = { join_rule: 'restricted', allow }
    const roomId = await make({ initialState: [{ type: 'm.room.join_rules', stateKey: '', content }] })
    const head = await core.writer.head(roomId)
    if (head === undefined) throw new Error('no room')
    const ask = () => restrictedJoin(core.context, head, BOB)
    const first = await ask()
    t.true((await during(async () => t.deepEqual(await ask(), first))) <= 2, 'few questions')
    return first
  }
  const often = Array.from({ length: 150 }, () => clubs).flat()
  t.deepEqual(await answer(often), { kind: 'refused', certain: true })
  t.deepEqual(await answer([]), { kind: 'refused', certain: true })
  t.deepEqual(await answer([...clubs, '!nobody:knows.test']), { kind: 'refused', certain: false })
  const [one = '', two = '', three = ''] = clubs
  await rooms.memberships.leave({ userId: ALICE, roomId: one })
  t.deepEqual(await answer(clubs), { kind: 'refused', certain: false }, 'what is there is not told any more')
  const room = await core.context.read.rooms.byId(two)
  const { partial } = core.context.write
  const lacking = { roomNid: room?.nid ?? 0, joinNid: 1, joinedAt: 1, servers: [] }
  await database.commit({ statements: [partial.begin(lacking)] })
  t.deepEqual(await answer([three]), { kind: 'refused', certain: true })
  t.deepEqual(await answer([two, three]), { kind: 'refused', certain: false }, 'members of it are unknown')
  await rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId: two })
  t.deepEqual(await answer([two, three]), { kind: 'refused', certain: true }, 'but this one is known')
  await rooms.memberships.join({ userId: BOB, roomId: three })
  t.deepEqual(await answer([...often, '!nobody:knows.test']), { kind: 'authorised', by: ALICE })
})
