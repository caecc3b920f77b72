import test from 'ava'
import { silentLog } from '../core/log.ts'
import type { Database } from '../storage/database.ts'
import { OutboxWriter } from '../storage/federation/outbox-writer.ts'
import { EventNews } from '../storage/rooms/event-news.ts'
import { countedReads } from '../test-kit/counted-reads.ts'
import { testDatabases } from '../test-kit/database.ts'
import { eventually } from '../test-kit/eventually.ts'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { losingAnswers } from '../test-kit/lost-answers.ts'
import { newRoom, requesterOf, testRooms } from '../test-kit/rooms.ts'
import { StreamFollower } from './stream-follower.ts'

const NAMES = ['one', 'two', 'three', 'four']

/** As when another process was killed that had followed for them: they go on from about the same place. */
const followers = (database: Database, clock: FakeClock) => {
  const news = new EventNews(database, { step: 5 })
  const outbox = new OutboxWriter(database)
  let unshared = 0
  const made = NAMES.map(
    name =>
      new StreamFollower({
        ...{ name, stream: 'events', database, clock, log: silentLog, news },
        work: async (after, upTo) => {
          const events = await news.events(after, upTo)
          if (events === undefined) unshared += 1
          const edus = (events ?? []).map(({ position }) => ({
            ...{ destinations: ['b.test'], payload: `"${name} ${position}"`, key: undefined },
          }))
          return { reached: upTo, statements: edus.length === 0 ? [] : outbox.addEdus(edus, 0) }
        },
      }),
  )
  return { made, unshared: () => unshared }
}

/** What each has done, in the order in which it was stored. */
const done = async (database: Database): Promise<Map<string, number[]>> => {
  const query = database.prepare('SELECT payload FROM federation_edus ORDER BY position')
  const found = new Map<string, number[]>(NAMES.map(name => [name, []]))
  for (const { payload } of await database.all<{ payload: string }>(query)) {
    const [name = '', position] = String(JSON.parse(payload)).split(' ')
    found.get(name)?.push(Number(position))
  }
  return found
}

const talk = async (database: Database): Promise<() => Promise<void>> => {
  const { rooms } = await testRooms(database)
  const alice = requesterOf('@alice:here.test')
  const roomId = await rooms.roomCreation.create(newRoom(rooms, alice.userId), { isDirect: false })
  let said = 0
  return async () => {
    const message = { roomId, type: 'm.room.message', txnId: `${said++}`, content: { body: 'hello' } }
    await rooms.sending.message(alice, message)
  }
}

testDatabases(test, 'followers far behind read it once, and are then with the others', async (t, plain) => {
  const say = await talk(plain)
  for (let n = 0; n < 30; n++) await say()
  const { database, during } = countedReads(plain)
  const { made, unshared } = followers(database, new FakeClock())
  const reads = await during(async () => {
    for (const follower of made) follower.start()
    await Promise.all(made.map(follower => follower.caughtUp()))
  })
  const all = Array.from({ length: plain.position('events') }, (_, n) => n + 1)
  for (const [name, positions] of await done(plain)) t.deepEqual(positions, all, name)
  t.is(unshared(), 0)
  // Each looks twice where it was. A slice: where it ends, its events, and once what the room's beginning has changed.
  t.true(reads <= 2 * NAMES.length + 3 * Math.ceil(all.length / 5), `${reads} reads`)
  const later = await during(async () => {
    await say()
    await Promise.all(made.map(follower => follower.caughtUp()))
  })
  t.true(later <= 1, `${later} reads of a message`)
  await Promise.all(made.map(follower => follower.close()))
})

testDatabases(
  test,
  'nothing is skipped or done twice by followers that fail and go on, far behind or not',
  async (t, database) => {
    const say = await talk(database)
    for (let n = 0; n < 20; n++) await say()
    const clock = new FakeClock()
    let commits = 0
    const losing = losingAnswers(database, () => ++commits % 3 === 1)
    const first = followers(losing, clock)
    for (const follower of first.made) follower.start()
    await eventually('some of it is followed', async () => {
      await say()
      await clock.advance(1_000)
      return commits > 12
    })
    await Promise.all(first.made.map(follower => follower.close()))
    for (let n = 0; n < 12; n++) await say()
    const second = followers(database, clock)
    for (const follower of second.made) follower.start()
    await Promise.all(second.made.map(follower => follower.caughtUp()))
    await Promise.all(second.made.map(follower => follower.close()))
    const all = Array.from({ length: database.position('events') }, (_, n) => n + 1)
    for (const [name, positions] of await done(database)) t.deepEqual(positions, all, name)
  },
)
