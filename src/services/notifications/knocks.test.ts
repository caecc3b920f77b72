import test from 'ava'
import { testDatabase } from '../../test-kit/database.ts'
import { testInboxes } from '../../test-kit/inboxes.ts'
import { newRoom, requesterOf } from '../../test-kit/rooms.ts'

const [ALICE, BOB, CAROL] = ['@alice:here.test', '@bob:here.test', '@carol:here.test']

test('of a crowd that may let people in, its moderators are told who knocks', async t => {
  const world = await testInboxes(t, await testDatabase(t))
  const { roomCreation, memberships } = world.rooms
  const room = newRoom(world.rooms, ALICE, {
    isPublic: true,
    powerLevelOverride: { users: { [BOB]: 50 } },
  })
  const roomId = await roomCreation.create(room, { isDirect: false })
  for (let count = 0; count < 60; count++)
    await memberships.join({ userId: `@${String(count).padStart(2, '0')}:here.test`, roomId })
  await memberships.join({ userId: BOB, roomId })
  for (let count = 60; count < 70; count++) await memberships.join({ userId: `@${count}:here.test`, roomId })
  await world.rooms.sending.state(requesterOf(ALICE), {
    ...{ roomId, type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'knock' } },
  })
  await memberships.knock({ userId: CAROL, roomId })
  await world.settled()
  for (const userId of [ALICE, BOB])
    t.deepEqual(
      (await world.list(userId)).items.map(({ kind }) => kind),
      ['knock'],
      userId,
    )
})
