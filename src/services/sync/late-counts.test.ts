import test from 'ava'
import { silentLog } from '../../core/log.ts'
import { AccountDataReader } from '../../storage/accounts/account-data.ts'
import type { Database } from '../../storage/database.ts'
import { SyncReader } from '../../storage/rooms/sync-reader.ts'
import { testDatabases } from '../../test-kit/database.ts'
import type { SyncBody } from '../../test-kit/people.ts'
import { World } from '../../test-kit/push-counts.ts'
import { USERS } from '../../test-kit/push-steps.ts'
import { bodyText } from '../../test-kit/room-sync.ts'
import { requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { UnreadCounts } from '../push/unread.ts'
import { createSlidingSync } from '../sliding-sync/index.ts'
import { LateCounts } from './late-counts.ts'
import { connectPush, eventsWithCounts } from './push-sources.ts'
import { RoomIds } from './room-ids.ts'
import { createRoomSync } from './room-sync.ts'

const [alice, bob, carol] = USERS
const IN_MAIN = { thread: 'main', isChild: false, hops: 0 }
const { signal } = new AbortController()

/** A process that counts nothing itself: it hears from another how far that has come, and waits for nothing. */
const processBeside = (world: World, database: Database) => {
  const { core, clock } = world.test
  const { read } = core.context
  const unread = new UnreadCounts(database)
  const listeners: (() => void)[] = []
  const counter = {
    known: database.position('events'),
    horizon: Number.MAX_SAFE_INTEGER,
    judged: async () => undefined,
    onJudged: (listener: () => void) => listeners.push(listener),
  }
  const { sync, notifier, streams } = createRoomSync(
    { core, database, clock, log: silentLog, storedFilter: () => Promise.reject(new Error('none')) },
    watch => {
      const reader = new SyncReader(database, read.news)
      const late = new LateCounts({ counter, watch, reader, roomIds: new RoomIds(read.rooms) })
      const events = eventsWithCounts({ counter, db: database, watch, late })
      const push = connectPush({ push: { ...world.push, unread }, db: database })
      return {
        ...{ events: events.follower, sources: [...push.sources, late], followers: push.followers },
        wakeBy: one => events.wakeBy(one),
        ready: one => events.ready(one),
        counted: (userId, told) => late.look(userId, told),
        recounting: push.recounting,
      }
    },
  )
  const sliding = createSlidingSync({
    ...{ core, streams, unread, accountData: new AccountDataReader(database) },
    threads: {
      position: 0,
      changes: async () => ({
        ...{ changes: { subscribed: {}, unsubscribed: {} }, isEmpty: true, older: undefined },
      }),
    },
    deviceListSpans: { news: async () => ({ changed: [], left: [] }) },
    isUnheard: async () => false,
    toDevice: { waiting: async () => [], acknowledge: async () => undefined },
  })
  return {
    notifier,
    hear: (upTo: number) => {
      unread.forget()
      counter.known = upTo
      for (const listener of listeners) listener()
    },
    ask: async (userId: string, since?: string, timeoutMs = 0): Promise<SyncBody> => {
      const query = { since, timeoutMs, fullState: false, stateAfter: false } as const
      return JSON.parse(await bodyText(await sync.sync(requesterOf(userId), query, signal)))
    },
    slide: async (userId: string, pos?: string, timeoutMs = 0) => {
      const asked = { body: { lists: { all: { ranges: [[0, 9]], timeline_limit: 1 } } }, pos, timeoutMs }
      return JSON.parse(await sliding.simplified(requesterOf(userId), asked, signal))
    },
  }
}

const told = ({ rooms }: SyncBody, roomId: string) => {
  const room = rooms?.join?.[roomId]
  const counts = room?.unread_notifications?.notification_count
  return room && [room.timeline.events.map(({ content }) => content['body']), counts]
}

testDatabases(
  test,
  'counts that come after their messages were told are told, once, also by a process that did not know of it',
  async (t, database) => {
    const world = new World(await testRooms(database), database)
    t.teardown(() => world.push.close())
    await world.enterRoom()
    const quiet = world.roomId
    await world.say(alice, { body: 'early' }, IN_MAIN)
    await world.settled()
    await world.enterRoom()
    const { roomId } = world
    const here = processBeside(world, database)
    const there = processBeside(world, database)
    t.teardown(() => {
      here.notifier.close()
      there.notifier.close()
    })
    const [{ next_batch: since }, calm] = [await here.ask(bob), await here.ask(carol)]
    t.notRegex(since, /u/, 'nothing is late')

    // Nobody counts.
    await world.pause()
    await world.say(alice, { body: 'first' }, IN_MAIN)
    const first = await here.ask(bob, since)
    t.deepEqual(told(first, roomId), [['first'], 0])
    await world.say(alice, { body: 'second' }, IN_MAIN)
    const second = await here.ask(bob, first.next_batch)
    t.deepEqual(told(second, roomId), [['second'], 0])
    t.is((await here.ask(bob, second.next_batch)).rooms, undefined)
    const waiting = here.ask(bob, second.next_batch, 60_000)
    const early = here.ask(bob, second.next_batch, 60_000)

    // Somebody does again.
    await world.resume()
    const upTo = database.position('events')
    here.hear(upTo - 1)
    t.is((await here.ask(bob, second.next_batch)).rooms, undefined, 'not one after another')
    here.hear(upTo)
    const late = await waiting
    t.deepEqual(told(await early, roomId), [[], 2])
    t.deepEqual(told(late, roomId), [[], 2])
    t.is(late.rooms?.join?.[quiet], undefined, 'of nothing else')
    t.notRegex(late.next_batch, /u/)
    t.is((await here.ask(bob, late.next_batch)).rooms, undefined, 'once')
    t.deepEqual(told(await here.ask(carol, calm.next_batch), roomId), [['first', 'second'], 2])

    // The same elsewhere, where that is not heard of yet.
    t.is((await there.ask(bob, second.next_batch)).rooms, undefined)
    const elsewhere = there.ask(bob, second.next_batch, 60_000)
    there.hear(upTo)
    t.deepEqual(told(await elsewhere, roomId), [[], 2])
    t.deepEqual(told(await there.ask(bob, second.next_batch), roomId), [[], 2])
  },
)

testDatabases(
  test,
  'sliding sync tells counts that come late, and those that change as the user reads',
  async (t, database) => {
    const world = new World(await testRooms(database), database)
    t.teardown(() => world.push.close())
    await world.enterRoom()
    const here = processBeside(world, database)
    t.teardown(() => here.notifier.close())
    const { roomId } = world
    const first = await here.slide(bob)
    await world.pause()
    await world.say(alice, { body: 'first' }, IN_MAIN)
    const early = await here.slide(bob, first.pos)
    t.is(early.rooms[roomId].notification_count, 0)
    t.deepEqual((await here.slide(bob, early.pos)).rooms, {})
    const waiting = here.slide(bob, early.pos, 60_000)
    await world.resume()
    here.hear(database.position('events'))
    const late = await waiting
    t.is(late.rooms[roomId].notification_count, 1)
    t.deepEqual(late.rooms[roomId].timeline, [])
    t.deepEqual((await here.slide(bob, late.pos)).rooms, {})
    // What the user reads elsewhere, too.
    const upTo = world.model.said.at(-1)?.eventId ?? ''
    await world.receipts.mark(bob, roomId, [{ type: 'm.read.private', eventId: upTo }])
    const read = await here.slide(bob, late.pos)
    t.is(read.rooms[roomId].notification_count, 0)
    t.deepEqual((await here.slide(bob, read.pos)).rooms, {})
  },
)
