import test from 'ava'
import type { Database } from '../../storage/database.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { testInboxes } from '../../test-kit/inboxes.ts'
import { newRoom } from '../../test-kit/rooms.ts'
import { Inbox } from './inbox.ts'

const [ALICE, BOB] = ['@alice:here.test', '@bob:here.test']

/** The same database, in which something happens before the first commit. */
const interrupted = (database: Database, before: () => Promise<unknown>): Database => {
  let isInterrupted = false
  const commit: Database['commit'] = async set => {
    if (!isInterrupted) {
      isInterrupted = true
      await before()
    }
    return database.commit(set)
  }
  return new Proxy(database, {
    get: (target, name) => {
      const value: unknown = name === 'commit' ? commit : Reflect.get(target, name)
      return typeof value === 'function' && name !== 'commit' ? value.bind(target) : value
    },
  })
}

testDatabases(test, 'what is read while it is being raised does not stay', async (t, database) => {
  const world = await testInboxes(t, database)
  const { rooms, core, clock, receipts, notifications, push } = world
  await world.list(BOB)
  const room = newRoom(rooms, ALICE, { isPublic: true })
  const roomId = await rooms.roomCreation.create(room, { isDirect: false })
  await rooms.memberships.join({ userId: BOB, roomId })
  await world.settled()
  await notifications.close()
  const eventId = await world.say(ALICE, roomId, { 'm.mentions': { user_ids: [BOB] } })
  await push.counter.counted(database.position('events'))
  const { read } = core.context
  const { nid = 0 } = (await read.rooms.byId(roomId)) ?? {}
  const inboxOver = (db: Database) =>
    new Inbox({
      ...{ db, read, clock, views: core.views },
      limits: { expiry: 1_000_000, maxPerUser: 10 },
    })
  let isRead = false
  const mark = async () => {
    isRead = true
    await receipts.mark(BOB, roomId, [{ type: 'm.read', eventId, threadId: undefined }])
  }
  await inboxOver(interrupted(database, mark)).follow(BOB, nid)
  t.true(isRead, 'it was to be raised')
  t.deepEqual((await world.list(BOB)).items, [])
})
