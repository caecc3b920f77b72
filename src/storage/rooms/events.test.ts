import test from 'ava'
import { signedWhenAsked } from '../../core/event/builder.ts'
import { redactPdu } from '../../core/event/redaction.ts'
import type { JsonObject } from '../../core/json.ts'
import { signingKeyFromSeed, verifyJson } from '../../core/signing.ts'
import { countedReads } from '../../test-kit/counted-reads.ts'
import { bothDatabases } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { EventCache } from './event-cache.ts'
import { EventNews } from './event-news.ts'
import { EventReader } from './events.ts'

bothDatabases(test, 'more events than the cache holds are read without gaps', async (t, database) => {
  const { core, rooms } = await testRooms(database)
  const roomId = await rooms.roomCreation.create(newRoom(rooms, '@alice:here.test'), { isDirect: false })
  const head = await core.writer.head(roomId)
  const nids = [...(head?.state.values() ?? [])].map(entry => entry.nid)
  t.true(nids.length > 3)
  const reader = new EventReader(database, new EventCache(3))
  for (let round = 0; round < 3; round++) {
    const found = await reader.byNids(nids)
    t.deepEqual(
      found.map(stored => stored.nid),
      nids,
    )
  }
})

bothDatabases(
  test,
  'what is stored is read with its place before its writer knows of it',
  async (t, database) => {
    const { core, rooms } = await testRooms(database)
    const roomId = await rooms.roomCreation.create(newRoom(rooms, '@alice:here.test'), { isDirect: false })
    const [entry] = (await core.writer.head(roomId))?.state.values() ?? []
    const [stored] = await new EventReader(database, new EventCache(10)).byNids([entry?.nid ?? 0])
    if (stored === undefined) throw new Error('no event')
    const { nid, event, position } = stored
    t.truthy(position)
    const find = async (reader: EventReader) => [
      (await reader.byNids([nid]))[0],
      await reader.byId(event.eventId),
    ]

    const committed = new EventReader(database, new EventCache(10))
    committed.remember({ ...stored, position: undefined })
    for (const found of await find(committed)) t.is(found?.position, position)
    committed.place(nid, position ?? 0)
    for (const found of await find(committed)) t.is(found?.position, position)

    const underWay = new EventReader(database, new EventCache(10))
    underWay.remember({
      ...stored,
      nid: nid + 1_000,
      event: { ...event, eventId: '$new' },
      position: undefined,
    })
    const [byNid] = await underWay.byNids([nid + 1_000])
    t.is(byNid?.event.eventId, '$new', 'what is not stored yet is known to its writer')
    t.is((await underWay.byId('$new'))?.nid, nid + 1_000)

    // What stands in the database is of before a write that is under way, which judges the event anew.
    const judged = new EventReader(database, new EventCache(10))
    judged.remember({ ...stored, position: undefined, rejected: 'another judgement' })
    for (const found of await find(judged)) t.is(found?.rejected, 'another judgement')
    judged.place(nid, (position ?? 0) + 1)
    for (const found of await find(judged))
      t.like(found, { position: (position ?? 0) + 1, rejected: 'another judgement' })
  },
)

bothDatabases(test, 'a read of more than half of the cache pushes nothing out of it', async (t, plain) => {
  const { database, during } = countedReads(plain)
  const { core, rooms } = await testRooms(plain)
  const roomId = await rooms.roomCreation.create(newRoom(rooms, '@alice:here.test'), { isDirect: false })
  const head = await core.writer.head(roomId)
  const nids = [...(head?.state.values() ?? [])].map(entry => entry.nid)
  const [first = 0, ...others] = nids
  t.true(others.length > 3)
  const reader = new EventReader(database, new EventCache(3))
  await reader.byNids([first])
  await reader.byNids(others)
  t.is(await during(() => reader.byNids([first])), 0)
  t.is((await reader.byNids(nids)).length, nids.length)
  t.is(await during(() => reader.byNids([first])), 0)
})

bothDatabases(
  test,
  'what is read again is signed, state as it was made and messages now',
  async (t, database) => {
    const { core, rooms } = await testRooms(database)
    const alice = requesterOf('@alice:here.test')
    const roomId = await rooms.roomCreation.create(newRoom(rooms, alice.userId), { isDirect: false })
    const message = { roomId, type: 'm.room.message', txnId: '1', content: { body: 'hello' } }
    const { eventId } = await rooms.sending.message(alice, message)
    const made = await core.context.read.events.byId(eventId)
    const state = (await core.writer.head(roomId))?.entry('m.room.create', '')?.eventId ?? ''
    const another = signingKeyFromSeed('ed25519:another', new Uint8Array(32).fill(9))
    const reader = new EventReader(database, new EventCache(3), signedWhenAsked('here.test', another))
    const signedBy = async (id: string, { keyId, publicKey }: typeof another): Promise<boolean> => {
      const { pdu, version } = (await reader.byId(id))?.event ?? t.fail()
      return verifyJson(redactPdu(pdu, version), 'here.test', keyId, publicKey)
    }
    t.true(await signedBy(eventId, another), 'by the key of today')
    t.true(await signedBy(state, core.signingKey))
    const { signatures: _, ...read } = (await reader.byId(eventId))?.event.pdu ?? {}
    const { signatures: __, ...sent } = made?.event.pdu ?? {}
    t.deepEqual(read, sent)
  },
)

bothDatabases(
  test,
  'what is new is read once for all who follow it, and as it is stored',
  async (t, plain) => {
    const { database, during } = countedReads(plain)
    const news = new EventNews(database)
    const { core, rooms } = await testRooms(plain)
    const start = plain.position('events')
    t.deepEqual(await news.events(start, start), [])
    const roomId = await rooms.roomCreation.create(newRoom(rooms, '@alice:here.test'), { isDirect: false })
    const end = plain.position('events')
    const reads = await during(() =>
      Promise.all([news.events(start, end), news.points(start, end), news.shown(start + 1, end)]),
    )
    t.is(reads, 2, 'the events, and what they have changed of the state')
    t.is(await during(() => news.events(start + 1, end - 1)), 0)
    const all = await news.events(start, end)
    const head = await core.writer.head(roomId)
    const state = [...(head?.state.values() ?? [])].map(entry => entry.nid)
    t.deepEqual(
      all?.map(({ nid }) => nid),
      state.sort((a, b) => a - b),
    )
    t.deepEqual(
      (await news.points(start, end))?.map(({ type, position, began }) => [type, position, began]),
      all?.map(({ type, position }) => [type, position, true]),
    )
    t.deepEqual(await news.events(start + 1, start + 2), all?.slice(1, 2))
    const roomNid = all?.[0]?.roomNid ?? 0
    t.deepEqual(news.known(roomNid, start, end), { events: all, points: await news.points(start, end) })
    t.deepEqual(news.known(roomNid, start + 1, start + 2)?.events, all?.slice(1, 2))
    t.deepEqual(news.known(roomNid + 1, start, end), { events: [], points: [] })
    t.is(news.known(roomNid, start, end + 1), undefined, 'what is not read yet')
    t.is(await new EventNews(database).events(start, end), undefined, 'what was there before is not kept')
    t.is(await during(() => new EventNews(database).points(start, end)), 0)
  },
)

bothDatabases(
  test,
  'messages of another process are read once, and known for what they are',
  async (t, plain) => {
    const { core, rooms } = await testRooms(plain)
    const alice = requesterOf('@alice:here.test')
    const roomId = await rooms.roomCreation.create(newRoom(rooms, alice.userId), { isDirect: false })
    const { database, during } = countedReads(plain)
    const [news, mixed] = [new EventNews(database), new EventNews(database)]
    const start = plain.position('events')
    for (const each of [news, mixed]) await each.events(start, start)
    for (const txnId of ['one', 'two', 'three'])
      await rooms.sending.message(alice, { roomId, type: 'm.room.message', txnId, content: { body: txnId } })
    const told = plain.position('events')
    const follow = (each: EventNews) =>
      during(() =>
        Promise.all([each.events(start, told), each.points(start, told), each.isPlain(start, told)]),
      )
    t.is(await follow(news), 1)
    t.true(await news.isPlain(start, told))
    const all = (await news.events(start, told)) ?? []
    t.is(all.length, 3)
    for (const event of all.slice(1, 2)) mixed.stored(event)
    t.is(await follow(mixed), 1)
    t.deepEqual(await mixed.events(start, told), all, 'in order, wherever they come from')
    t.true(await mixed.isPlain(start, told))
    const [last] = await core.context.read.events.byNids([all.at(-1)?.nid ?? 0])
    const redaction = {
      roomId,
      txnId: 'redaction',
      type: 'm.room.redaction',
      content: { redacts: last?.event.eventId ?? '' },
    }
    await rooms.sending.message(alice, redaction)
    t.false(
      await news.isPlain(told, plain.position('events')),
      'what takes something back does more than to come',
    )
  },
)

bothDatabases(test, 'messages that this process has stored are not read to be followed', async (t, plain) => {
  const { database, during } = countedReads(plain)
  const { core, rooms } = await testRooms(database)
  const alice = requesterOf('@alice:here.test')
  const roomId = await rooms.roomCreation.create(newRoom(rooms, alice.userId), { isDirect: false })
  const { news } = core.context.read
  const stored = new EventNews(plain)
  const start = plain.position('events')
  for (const each of [news, stored]) await each.events(start, start)
  const send = async (type: string, content: JsonObject): Promise<void> => {
    const txnId = `${type} ${plain.position('events')}`
    await rooms.sending.message(alice, { roomId, type, txnId, content })
  }
  const reads = (): Promise<number> => {
    const end = plain.position('events')
    return during(() => Promise.all([news.events(start, end), news.points(start, end), news.shown(end, end)]))
  }
  await send('m.room.message', { body: 'one' })
  await send('m.room.message', { body: 'two' })
  const told = plain.position('events')
  t.true(news.isKnownPlain(start, told), 'without asking anybody')
  t.false(stored.isKnownPlain(start, told))
  t.is(await reads(), 0)
  const isPlain = (after: number): Promise<boolean> => news.isPlain(after, plain.position('events'))
  t.true(await isPlain(start))
  const { memberships, partial } = core.context.read
  const late = (after: number) => [
    memberships.toldBetween(after, told),
    partial.completedBetween(after, told),
    partial.changedBetween(after, told),
  ]
  t.is(await during(() => Promise.all(late(start))), 0, 'with messages nothing else can have come')
  const topic = { roomId, type: 'm.room.topic', stateKey: '', content: { topic: 'news' } }
  await rooms.sending.state(alice, topic)
  await send('m.room.message', { body: 'three' })
  t.false(news.isKnownPlain(told, plain.position('events')))
  t.is(await reads(), 2, 'what changes the state is, with what came beside it')
  const end = plain.position('events')
  t.deepEqual(await news.events(start, end), await stored.events(start, end))
  t.deepEqual(await news.points(start, end), await stored.points(start, end))
  t.false(await isPlain(start))
  t.false(await isPlain(told), 'what changes the state is read with all that came beside it')
  await send('m.room.message', { body: 'four' })
  t.true(news.isKnownPlain(end, plain.position('events')))
  t.false(news.isKnownPlain(told, plain.position('events')))
  t.true(await isPlain(end))
  t.is(await during(() => Promise.all(late(start - 1))), 3, 'what was there before is asked of the database')
})
