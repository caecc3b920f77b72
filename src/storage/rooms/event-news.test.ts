import test from 'ava'
import { countedReads } from '../../test-kit/counted-reads.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import type { Database, Reader } from '../database.ts'
import { EventNews } from './event-news.ts'
import type { NewsEvent } from './kept-news.ts'

/** A stream of messages which this process stores; whoever reads it fails. */
const messages = () => {
  let position = 0
  const refuse = () => Promise.reject(new Error('nobody has to read this'))
  const db = {
    dialect: { inInteger: () => '' },
    prepare: (sql: string) => ({ id: 0, sql }),
    ...{ position: () => position, all: refuse, get: refuse, scan: refuse },
  } as unknown as Reader
  const say = (news: EventNews, sender = '@alice:here.test'): void => {
    const event = { position: position + 1, nid: position + 1, roomNid: 1, type: 'm.room.message', sender }
    news.stored({ ...event, stateKey: undefined, softFailed: false, redactedBy: undefined, forked: false })
    position += 1
  }
  return { db, say, position: () => position }
}

/** What somebody sees who follows from a position to another. */
const followed = async (news: EventNews, from: number, to: number) => {
  const seen: NewsEvent[] = []
  const missed: number[] = []
  let steps = 0
  for (let position = from; position < to; steps += 1) {
    const end = await news.end(position, to)
    const events = await news.events(position, end)
    if (events === undefined || (await news.points(position, end)) === undefined) missed.push(position)
    seen.push(...(events ?? []))
    position = end
  }
  return { seen: seen.map(event => event.position), missed, steps }
}

test('who is a burst of thousands behind reads nothing for himself', async t => {
  const { db, say, position } = messages()
  const news = new EventNews(db)
  await news.events(0, 0)
  for (let n = 1; n <= 5_000; n++) {
    say(news)
    if (n % 50 === 0) await news.events(n - 50, n)
  }
  const { seen, missed, steps } = await followed(news, 0, position())
  t.is(seen.length, 5_000)
  t.deepEqual(missed, [])
  t.is(steps, 5, 'a thousand at a time')
})

test('the memory that they take is bounded, whatever is in them', async t => {
  const { db, say, position } = messages()
  const news = new EventNews(db, { maxBytes: 20_000 })
  await news.events(0, 0)
  for (let n = 1; n <= 300; n++) {
    say(news, n > 200 ? `@${'x'.repeat(800)}:here.test` : undefined)
    await news.events(n - 1, n)
    if (n === 200) t.true(news.reachesBackTo(n - 60))
  }
  t.true(news.reachesBackTo(position() - 10))
  t.false(news.reachesBackTo(position() - 25), 'large ones are fewer')
})

/** Messages, among which a topic is changed and a user comes; where they begin and end. */
const conversation = async (database: Database) => {
  const { rooms } = await testRooms(database)
  const [alice, bob] = [requesterOf('@alice:here.test'), requesterOf('@bob:here.test')]
  const roomId = await rooms.roomCreation.create(newRoom(rooms, alice.userId, { isPublic: true }), {
    isDirect: false,
  })
  const start = database.position('events')
  const say = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n++) {
      const txnId = `${database.position('events')}`
      await rooms.sending.message(alice, {
        roomId,
        type: 'm.room.message',
        txnId,
        content: { body: 'hello' },
      })
    }
  }
  await say(8)
  await rooms.memberships.join({ userId: bob.userId, roomId })
  await say(8)
  const topic = { roomId, type: 'm.room.topic', stateKey: '', content: { topic: 'news' } }
  await rooms.sending.state(alice, topic)
  await say(5)
  return { start, end: database.position('events'), say }
}

testDatabases(test, 'those who have fallen behind share what they read of it', async (t, plain) => {
  const { start, end, say } = await conversation(plain)
  const all = Array.from({ length: end - start }, (_, n) => start + n + 1)
  const { database, during } = countedReads(plain)
  const walk = (froms: readonly number[], maxBytes?: number) => {
    const news = new EventNews(database, { step: 5, ...(maxBytes === undefined ? {} : { maxBytes }) })
    return Promise.all(froms.map(from => followed(news, from, end)))
  }
  const alone = await during(() => walk([start]))
  const together = await during(async () => {
    const walks = await walk([start, start, start + 7, start, start + 12])
    for (const [index, from] of [start, start, start + 7, start, start + 12].entries()) {
      t.deepEqual(walks[index]?.seen, all.slice(from - start))
      t.deepEqual(walks[index]?.missed, [])
    }
  })
  t.true(together <= alone + 6, `${together} reads for five, ${alone} for one`)
  for (const { seen, missed } of await walk([start, start + 3, start + 11], 1)) {
    t.deepEqual(seen, all.slice(all.length - seen.length), 'in order, also where one slice at most is kept')
    t.deepEqual(missed, [])
  }

  // What is told is what is told to whoever was there all the time.
  const behind = new EventNews(plain, { step: 100 })
  await behind.end(start, end)
  const state = await behind.points(start, end)
  t.deepEqual(
    state?.map(({ type, stateKey, began }) => [type, stateKey, began]),
    [
      ['m.room.member', '@bob:here.test', true],
      ['m.room.topic', '', true],
    ],
  )
  t.false(await behind.isPlain(start, end))

  // With the others again.
  const news = new EventNews(database, { step: 5 })
  await followed(news, start, end)
  await say(2)
  const now = plain.position('events')
  t.is(await during(() => Promise.all([followed(news, end, now), followed(news, end, now)])), 1)
  await say(7)
  await followed(news, now, plain.position('events'))
  t.is(await news.events(start, start + 1), undefined, 'what nobody is behind with is kept no longer')
})

testDatabases(test, 'messages that were missed are known for what they are', async (t, plain) => {
  const { start } = await conversation(plain)
  const { database, during } = countedReads(plain)
  const news = new EventNews(database, { step: 5 })
  const end = await news.end(start, start + 8)
  t.is(end, start + 5)
  t.is(await during(() => Promise.all([news.isPlain(start, end), news.isPlain(start + 1, end - 1)])), 0)
  t.true(await news.isPlain(start, end))
  t.true(await news.isPlain(start + 1, end - 1))
  t.false(await news.isPlain(start, end + 1), 'nobody has read on')
})

test('where nobody has asked for long it begins anew', async t => {
  const { db, say, position } = messages()
  const news = new EventNews(db, { step: 5 })
  await news.events(0, 0)
  for (let n = 0; n < 200; n++) say(news)
  t.is(await news.events(0, position()), undefined)
  t.deepEqual(await news.events(position(), position()), [])
  for (let n = 0; n < 200; n++) say(news)
  t.is((await news.events(position() - 3, position()))?.length, 3)
})
