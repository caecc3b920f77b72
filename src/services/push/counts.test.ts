import test from 'ava'
import fc from 'fast-check'
import { DUMMY_TYPE } from '../../core/dummy-type.ts'
import { silentLog } from '../../core/log.ts'
import { MessageDismissals, UnreadMessageReader } from '../../storage/notifications/unread-messages.ts'
import { PushActionReader } from '../../storage/push/push-actions.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { World } from '../../test-kit/push-counts.ts'
import { check, take } from '../../test-kit/push-play.ts'
import { anyStep, type Step, USERS } from '../../test-kit/push-steps.ts'
import { randomRuns } from '../../test-kit/random-runs.ts'
import { testRooms } from '../../test-kit/rooms.ts'
import { PushHousekeeping } from './housekeeping.ts'

testDatabases(
  test,
  'counts equal a recount from events and receipts, whatever happens',
  async (t, database) => {
    t.timeout(600_000)
    const world = new World(await testRooms(database), database)
    t.teardown(() => world.push.close())
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 30, maxLength: 60 }), async steps => {
        await world.enterRoom()
        const trail: Step[] = []
        for (const step of steps) {
          trail.push(step)
          await take(world, step)
          if (!world.isPaused) await check(t, world, trail)
        }
        await world.resume()
        await check(t, world, trail)
        for (const user of USERS) {
          t.is(await world.push.unread.badge(user), await world.unreadAnywhere(user), 'the badge')
        }
      }),
      { numRuns: randomRuns(database.dialect.name === 'sqlite' ? 5 : 2), endOnFailure: true },
    )
  },
)

testDatabases(
  test,
  'what notified nobody stays so, though rules change and the server stops',
  async (t, database) => {
    const world = new World(await testRooms(database), database)
    t.teardown(() => world.push.close())
    await world.enterRoom()
    const [alice, bob, carol] = USERS
    for (const user of [bob, carol]) await world.mute(user)
    await world.say(alice, {}, { thread: 'main', isChild: false, hops: 0 })
    await world.settled()
    await world.mute(bob)
    await world.pause()
    await world.resume()
    t.is(await world.unread(bob), '')
  },
)

testDatabases(
  test,
  'nobody has read what the server has tied loose ends after in their name',
  async (t, database) => {
    const world = new World(await testRooms(database), database)
    t.teardown(() => world.push.close())
    await world.enterRoom()
    const [alice, bob] = USERS
    await world.say(alice, {}, { thread: 'main', isChild: false, hops: 0 })
    await world.test.core.sender.send(world.roomId, { type: DUMMY_TYPE, sender: bob, content: {} })
    await world.settled()
    t.is(await world.unread(bob), 'main 1/0')
  },
)

testDatabases(test, 'what is stored is bounded, and what was read goes in time', async (t, database) => {
  const world = new World(await testRooms(database), database)
  t.teardown(() => world.push.close())
  await world.enterRoom()
  const [alice, bob, carol] = USERS
  const more = { thread: 'main', isChild: false, hops: 0 }
  for (let i = 0; i < 12; i++)
    await world.say(alice, i % 4 === 0 ? { 'm.mentions': { user_ids: [bob] } } : {}, more)
  await world.settled()
  const { clock } = world.test
  const housekeeping = new PushHousekeeping({
    ...{ db: database, clock, log: silentLog },
    onTidied: () => world.push.unread.forget(),
  })
  const reader = new PushActionReader(database)
  const kept = async (): Promise<number> =>
    (await reader.page(bob, { before: Number.MAX_SAFE_INTEGER, onlyHighlights: false, limit: 100 })).length
  await housekeeping.tidy(20)
  t.is(await kept(), 12)
  await housekeeping.tidy(5)
  t.is(await world.unread(bob), 'main 8/3', 'the newest five, and three highlights')
  const eventId = world.model.said[10]?.eventId ?? ''
  const read = (user: (typeof USERS)[number]): Promise<unknown> =>
    world.receipts.mark(user, world.roomId, [{ type: 'm.read', eventId, threadId: undefined }])
  await read(bob)
  await housekeeping.tidy()
  t.is(await kept(), 8)
  await clock.advance(31 * 24 * 60 * 60_000)
  await housekeeping.tidy()
  t.is(await kept(), 8, 'what somebody has not read stays, for the others as well')
  await read(carol)
  await housekeeping.tidy()
  t.is(await kept(), 1, 'unread ones stay')
  t.is(await world.unread(bob), 'main 1/0')
})

testDatabases(
  test,
  'of a group each has what is theirs, and its notifications are bounded',
  async (t, database) => {
    const world = new World(await testRooms(database), database)
    t.teardown(() => world.push.close())
    await world.enterRoom()
    const [alice, bob, carol] = USERS
    const more = { thread: 'main', isChild: false, hops: 0 }
    for (let i = 0; i < 6; i++) await world.say(alice, {}, more)
    await world.say(alice, { 'm.mentions': { user_ids: [bob] } }, more)
    await world.settled()
    const reader = new PushActionReader(database)
    const all = { before: Number.MAX_SAFE_INTEGER, onlyHighlights: false, limit: 100 }
    const page = await reader.page(bob, all)
    t.is(page.length, 7)
    t.deepEqual(
      page.map(({ userId, highlight }) => [userId, highlight]),
      page.map((_, index) => [bob, index === 0]),
    )
    t.is((await reader.page(bob, { ...all, onlyHighlights: true })).length, 1)
    t.is((await reader.page(alice, all)).length, 0)
    const [newest] = page
    const span = { after: (newest?.position ?? 0) - 2, upTo: newest?.position ?? 0, limit: 9 }
    t.is((await reader.unreadAfter(carol, span)).length, 2)
    t.is(await reader.total(carol), 7)
    // What one of them closes stays with the others.
    const dismissals = new MessageDismissals(database)
    const unread = new UnreadMessageReader(database)
    await database.commit({ statements: dismissals.at(bob, world.roomNid, page[1]?.position ?? 0) })
    t.is((await unread.ofRoom(bob, world.roomNid, 50)).count, 6)
    await database.commit({ statements: dismissals.upTo(bob, world.roomNid, newest?.position ?? 0, []) })
    t.is((await unread.ofRoom(bob, world.roomNid, 50)).count, 0)
    t.is((await unread.ofRoom(carol, world.roomNid, 50)).count, 7)
    t.is((await unread.ofRoom(carol, world.roomNid, 2)).count, 7)
    t.deepEqual(await unread.rooms(carol, 0, 5), [world.roomNid])
    t.is(await reader.total(bob), 7, 'closing is not reading')
    const housekeeping = new PushHousekeeping({
      ...{ db: database, clock: world.test.clock, log: silentLog },
      onTidied: () => world.push.unread.forget(),
    })
    await housekeeping.tidy(4)
    t.is(await world.unread(carol), 'main 5/0', 'four of what she shares with others, and what is hers alone')
  },
)

testDatabases(
  test,
  'what others have read stays for whom it was of another group then, and for whom has not read its thread',
  async (t, database) => {
    const world = new World(await testRooms(database), database)
    t.teardown(() => world.push.close())
    await world.enterRoom()
    const [alice, bob, carol] = USERS
    const more = { thread: 'main', isChild: false, hops: 0 }
    const read = (threadId: string | undefined): Promise<unknown> => {
      const eventId = world.model.said.at(-1)?.eventId ?? ''
      return world.receipts.mark(carol, world.roomId, [{ type: 'm.read', eventId, threadId }])
    }
    await world.say(alice, {}, more)
    await world.listen(bob)
    const thread = world.model.said[0]?.eventId ?? ''
    const relation = { 'm.relates_to': { rel_type: 'm.thread', event_id: thread } }
    await world.say(alice, relation, { thread, isChild: true, hops: 0 })
    await world.say(alice, {}, more)
    await read('main')
    await world.age()
    t.is(await world.unread(bob), `${thread} 1/0, main 2/0`)
    t.is(await world.unread(carol), `${thread} 1/0`)
    await read(undefined)
    await world.age()
    t.is(await world.unread(bob), `${thread} 1/0, main 2/0`)
    t.is((await world.notifications(carol)).length, 1, 'what bob has not read of their time together')
  },
)
