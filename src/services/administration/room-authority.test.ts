import test from 'ava'
import { testDatabase } from '../../test-kit/database.ts'
import { guest, peerRoom } from '../../test-kit/guest.ts'
import { newRoom, testRooms } from '../../test-kit/rooms.ts'
import { RoomAuthority } from './room-authority.ts'

const ANN = '@ann:here.test'
const BOB = '@bob:here.test'
const ROOT = '@root:here.test'

for (const version of ['1', '11', '12']) {
  test(`power is given in the name of the most powerful (version ${version})`, async t => {
    const { core, rooms } = await testRooms(await testDatabase(t))
    const authority = new RoomAuthority(core, rooms)
    const room = { version: rooms.roomSettings.versionFor(version), preset: 'private_chat' as const }
    const roomId = await rooms.roomCreation.create(newRoom(rooms, ANN, room), { isDirect: false })
    const levels = async () => {
      const head = await core.writer.head(roomId)
      const nid = head?.entry('m.room.power_levels', '')?.nid ?? 0
      const [stored] = await core.context.read.events.byNids([nid])
      return { sender: stored?.event.sender, users: stored?.event.content['users'] }
    }
    const membership = async (userId: string) => (await core.writer.head(roomId))?.memberships.get(userId)
    await authority.promote(ROOT, roomId)
    const own = version === '12' ? {} : { [ANN]: 100 }
    t.deepEqual(await levels(), { sender: ANN, users: { ...own, [ROOT]: 100 } })
    t.is(await membership(ROOT), 'invite', 'the room is closed')
    await authority.promote(ANN, roomId)
    t.deepEqual((await levels()).users, { ...own, [ROOT]: 100 }, 'a creator needs none')

    await t.throwsAsync(authority.join(ROOT, BOB, roomId, []), { message: /not in|no member|join/i })
    await authority.join(ROOT, ROOT, roomId, [])
    await authority.join(ROOT, BOB, roomId, [])
    t.is(await membership(BOB), 'join')
    await rooms.memberships.leave({ userId: ANN, roomId })
    await rooms.memberships.leave({ userId: ROOT, roomId })
    await t.throwsAsync(authority.promote(BOB, roomId), { message: /Nobody/ })
    await t.throwsAsync(authority.promote('bob', roomId), { message: /not a user ID/ })
    await t.throwsAsync(authority.promote(BOB, '!none:here.test'), { message: /not found/ })
  })
}

test('loose ends are tied on demand, however few', async t => {
  const peers = peerRoom('11')
  peers.add('PM: alice power alice=100 me@here.test=20 < JC')
  for (let i = 0; i < 3; i++) peers.add(`F${i}: bob say hi < ME @${i}`)
  const here = await guest(await testDatabase(t), peers)
  for (let i = 0; i < 3; i++) await here.receive(`F${i}`)
  t.true((await here.ends()).length > 1)
  t.is(await here.core.dummies.tie(peers.roomId), 1)
  t.is(await here.core.dummies.tie(peers.roomId), 1, 'nothing is left to be done')
  await t.throwsAsync(here.core.dummies.tie('!none:here.test'), { message: /not found/ })
})
