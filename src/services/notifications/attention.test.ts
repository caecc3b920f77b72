import test from 'ava'
import { FollowedStreams, notificationsOf } from '../../storage/followed-streams.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { inboxesOf, type TestInboxesOnly, testInboxes } from '../../test-kit/inboxes.ts'
import { newRoom } from '../../test-kit/rooms.ts'

const [ALICE, BOB] = ['@alice:here.test', '@bob:here.test']

const requests = async (world: TestInboxesOnly): Promise<number> => {
  await world.settled()
  return (await world.list(BOB, { kind: 'conversation_requested' })).total
}

testDatabases(
  test,
  'what somebody did before they were asked is no answer, after a crash, too',
  async (t, database) => {
    const before = await testInboxes(t, database)
    const { memberships, roomCreation } = before.rooms
    const roomId = await roomCreation.create(newRoom(before.rooms, ALICE, { isPublic: true }), {
      isDirect: false,
    })
    await memberships.join({ userId: BOB, roomId })
    await memberships.leave({ userId: BOB, roomId })
    await memberships.join({ userId: BOB, roomId })
    const eventId = await before.say(BOB, roomId)
    await before.receipts.mark(BOB, roomId, [{ type: 'm.read', eventId, threadId: undefined }])
    await before.notifications.attention.request({ asked: BOB, by: ALICE, roomId, ts: 0 })
    t.is(await requests(before), 1)
    t.deepEqual(
      Object.keys((await before.list(BOB)).items[0] ?? {}).toSorted(),
      ['actions', 'created_ts', 'id', 'kind', 'messages_waiting', 'room', 'sender'],
      'nobody is shown where the streams stood',
    )

    // After a crash both streams are followed again from somewhere before that.
    const restarted = async (): Promise<TestInboxesOnly> => {
      const followed = new FollowedStreams(database)
      const anew = (['events', 'receipts'] as const).map(stream =>
        followed.reached(notificationsOf(stream), 0),
      )
      await database.commit({ statements: anew })
      return inboxesOf(t, { ...before, database })
    }
    await before.notifications.close()
    const after = await restarted()
    t.is(await requests(after), 1)
    await after.receipts.mark(BOB, roomId, [{ type: 'm.read.private', eventId, threadId: undefined }])
    t.is(await requests(after), 0, 'what comes later is one')

    await after.notifications.attention.request({ asked: BOB, by: ALICE, roomId, ts: 0 })
    t.is(await requests(after), 1)
    await after.notifications.close()
    const again = await restarted()
    t.is(await requests(again), 1)
    await before.say(BOB, roomId)
    t.is(await requests(again), 0)
  },
)
