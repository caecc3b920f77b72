import test from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { testInboxes } from '../../test-kit/inboxes.ts'
import { newRoom, requesterOf } from '../../test-kit/rooms.ts'

const [ALICE, BOB, CAROL] = ['@alice:here.test', '@bob:here.test', '@carol:here.test']

testDatabases(
  test,
  'who was sent away is told nothing of what has become of the room',
  async (t, database) => {
    const world = await testInboxes(t, database)
    const { roomCreation, memberships, sending } = world.rooms
    const room = newRoom(world.rooms, ALICE, { name: 'Tea', isPublic: true })
    const roomId = await roomCreation.create(room, { isDirect: false })
    await memberships.join({ userId: BOB, roomId })
    await memberships.invite({ sender: BOB, userId: CAROL, roomId })
    await memberships.leave({ userId: CAROL, roomId, reason: 'no' })
    const seen = async () => {
      await world.settled()
      return (await world.list(BOB)).items.map(({ kind, room: shown }) => [kind, shown])
    }
    const rename = (name: string) =>
      sending.state(requesterOf(ALICE), {
        ...{ roomId, type: 'm.room.name', stateKey: '', content: { name } },
      })
    const declined = (name: string) => ['invitation_declined', { room_id: roomId, name }]
    await rename('Cake')
    t.deepEqual(await seen(), [declined('Cake')])
    await memberships.kick({ sender: ALICE, userId: BOB, roomId })
    await rename('Without Bob')
    t.deepEqual(await seen(), [declined('Cake')], 'as it was when they left')
    await world.clock.advance(1_000)
    await memberships.invite({ sender: ALICE, userId: BOB, roomId })
    const invited = ['invitation', { room_id: roomId, name: 'Without Bob' }]
    t.deepEqual(await seen(), [invited, declined('Without Bob')], 'whoever is invited may know')
  },
)

testDatabases(test, 'nor by asking to be let in again', async (t, database) => {
  const world = await testInboxes(t, database)
  const { roomCreation, memberships, sending } = world.rooms
  const room = newRoom(world.rooms, ALICE, { name: 'Tea', preset: 'public_chat' })
  const roomId = await roomCreation.create(room, { isDirect: false })
  const write = (type: string, content: JsonObject) =>
    sending.state(requesterOf(ALICE), { roomId, type, stateKey: '', content })
  await memberships.join({ userId: BOB, roomId })
  await memberships.invite({ sender: BOB, userId: CAROL, roomId })
  await memberships.leave({ userId: CAROL, roomId, reason: 'no' })
  await memberships.leave({ userId: BOB, roomId })
  await write('m.room.join_rules', { join_rule: 'knock' })
  await memberships.knock({ userId: BOB, roomId })
  await write('m.room.name', { name: 'Without Bob' })
  await world.settled()
  const { items } = await world.list(BOB)
  t.deepEqual(
    items.map(({ kind, room: shown }) => [kind, shown]),
    [['invitation_declined', { room_id: roomId, name: 'Tea' }]],
  )
})
