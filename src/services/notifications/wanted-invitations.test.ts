import test from 'ava'
import { AccountDataWriter } from '../../storage/accounts/account-data.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { type TestInboxes, testInboxes } from '../../test-kit/inboxes.ts'
import { newRoom, requesterOf } from '../../test-kit/rooms.ts'

const [ALICE, BOB, CAROL] = ['@alice:here.test', '@bob:here.test', '@carol:here.test']

const ignores = async ({ core, push }: TestInboxes, userId: string, ignored: string): Promise<void> => {
  const { db } = core.context
  const content = JSON.stringify({ ignored_users: { [ignored]: {} } })
  const setting = new AccountDataWriter(db).set(userId, '', 'm.ignored_user_list', content)
  const takenBack = await push.ignoredNotices.takenBack(userId, [ignored])
  await db.commit({ statements: [setting, ...takenBack] })
}

testDatabases(test, 'nothing waits that comes from somebody who is ignored', async (t, database) => {
  const world = await testInboxes(t, database)
  const { memberships, roomCreation, sending } = world.rooms
  const create = (creator: string, settings: object) =>
    roomCreation.create(newRoom(world.rooms, creator, settings), { isDirect: false })
  await world.list(BOB)
  const kinds = async () => {
    await world.settled()
    return (await world.list(BOB)).items.map(({ kind }) => kind).toSorted()
  }
  const roomId = await create(BOB, { isPublic: true })
  for (const userId of [ALICE, CAROL]) await memberships.join({ userId, roomId })
  for (const userId of [ALICE, CAROL]) {
    const attention = await create(userId, { isPublic: true })
    await memberships.join({ userId: BOB, roomId: attention })
    await world.settled()
    await world.notifications.attention.request({
      ...{ asked: BOB, by: userId, roomId: attention, ts: world.clock.now() },
    })
    const door = await create(BOB, {})
    await sending.state(requesterOf(BOB), {
      ...{ roomId: door, type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'knock' } },
    })
    await memberships.knock({ userId, roomId: door })
    const asked = await create(BOB, { invite: [userId] })
    await memberships.leave({ userId, roomId: asked, reason: 'words' })
    await create(userId, { invite: [BOB] })
    await world.say(userId, roomId)
  }
  const ofOne = ['conversation_requested', 'invitation', 'invitation_declined', 'knock', 'message']
  t.deepEqual(
    await kinds(),
    ofOne.flatMap(kind => [kind, kind]),
  )
  await ignores(world, BOB, ALICE)
  t.deepEqual(await kinds(), ofOne, 'that of others waits still')
})

testDatabases(test, 'whoever has just ignored somebody is listed nothing of them', async (t, database) => {
  const world = await testInboxes(t, database)
  const { roomCreation } = world.rooms
  for (const creator of [ALICE, CAROL])
    await roomCreation.create(newRoom(world.rooms, creator, { invite: [BOB] }), { isDirect: false })
  await world.settled()
  t.is((await world.list(BOB)).total, 2)
  await ignores(world, BOB, ALICE)
  const { items, total } = await world.list(BOB)
  t.deepEqual([items.length, total], [1, 1])
})

test('however many invitations somebody sends, they go when they are ignored', async t => {
  const world = await testInboxes(t, await testDatabase(t))
  const { roomCreation } = world.rooms
  const invite = (creator: string) =>
    roomCreation.create(newRoom(world.rooms, creator, { invite: [BOB] }), { isDirect: false })
  await invite(CAROL)
  for (let count = 0; count < 210; count++) await invite(ALICE)
  const total = async (): Promise<number> => {
    await world.settled()
    return (await world.list(BOB)).total
  }
  t.is(await total(), 211)
  await ignores(world, BOB, ALICE)
  t.is(await total(), 1)
})
