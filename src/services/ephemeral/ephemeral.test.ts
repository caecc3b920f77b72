import test from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { AccountDataReader } from '../../storage/accounts/account-data.ts'
import type { Database } from '../../storage/database.ts'
import { ReceiptReader } from '../../storage/ephemeral/receipts.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { ALICE, BOB, deliver, type Place, twoPlaces as setting } from '../../test-kit/ephemeral.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { arrived } from '../../test-kit/federation-world.ts'
import { requesterOf } from '../../test-kit/rooms.ts'
import { Receipts } from './receipts.ts'

const CAROL = '@carol:a.test'

testDatabases(
  test,
  'typing is told to the servers in the room, and believed of their own users',
  async (t, db) => {
    const { a, b, roomId, nidAt, idle } = await setting(t, db)
    const typing = a.ephemeral.services.typing
    const atB = async (): Promise<string[]> => b.ephemeral.services.typing.users(await nidAt(b))
    await typing.set(ALICE, roomId, true, 25_000)
    await idle()
    t.deepEqual(await atB(), [ALICE])
    t.deepEqual(a.sent, [
      {
        destinations: ['b.test'],
        type: 'm.typing',
        content: { room_id: roomId, user_id: ALICE, typing: true },
        keep: false,
        key: `typing ${roomId} ${ALICE}`,
      },
    ])
    await a.clock.advance(15_000)
    await typing.set(ALICE, roomId, true, 25_000)
    t.is(a.sent.length, 1, 'renewed at once: nobody else needs to know')
    await a.clock.advance(10_000)
    await typing.set(ALICE, roomId, true, 25_000)
    await idle()
    t.is(a.sent.length, 2)
    await a.clock.advance(26_000)
    await idle()
    t.deepEqual(await atB(), [], 'the end is told')

    await typing.set(ALICE, roomId, true)
    await idle()
    await b.clock.advance(60_000)
    t.deepEqual(await atB(), [], 'and comes by itself, if it is not')

    const received = (origin: string, content: JsonObject): Promise<void> =>
      deliver(b, 'm.typing', origin, { room_id: roomId, user_id: ALICE, typing: true, ...content })
    await received('evil.test', {})
    await received('a.test', { user_id: BOB })
    await received('a.test', { user_id: '@carol:a.test' })
    await received('a.test', { room_id: '!none:a.test' })
    for (const field of ['room_id', 'user_id', 'typing']) await received('a.test', { [field]: 7 })
    b.isOpen = false
    await received('a.test', {})
    t.deepEqual(await atB(), [])
    b.isOpen = true
    await received('a.test', {})
    t.deepEqual(await atB(), [ALICE])
  },
)

testDatabases(test, 'public receipts are told to other servers, and nothing else is', async (t, db) => {
  const { a, b, roomId, say, nidAt, idle } = await setting(t, db)
  const [first, second] = [await say(a, ALICE, '1'), await say(a, ALICE, '2')]
  const reader = new ReceiptReader(a.core.context.db)
  const atA = async (): Promise<string[]> =>
    (await reader.ofUser(await nidAt(a), BOB))
      .map(row => `${row.type} ${row.eventId} ${row.threadId}`)
      .toSorted()
  const received = (content: JsonObject, origin = 'b.test'): Promise<void> =>
    deliver(a, 'm.receipt', origin, { [roomId]: { 'm.read': content } })
  const receipt = (eventId: string, data: JsonObject = {}): JsonObject => ({
    [BOB]: { event_ids: [eventId], data: { ts: 1000, ...data } },
  })
  await received(receipt(second))
  t.deepEqual(await atA(), [`m.read ${second} `])
  await received(receipt(first))
  t.deepEqual(await atA(), [`m.read ${second} `], 'never back')
  await received(receipt('$unknown', { thread_id: 'main' }))
  t.deepEqual(await atA(), [`m.read $unknown main`, `m.read ${second} `].toSorted(), 'not here (yet)')
  const before = await atA()
  await received(receipt('$other'), 'evil.test')
  for (const bad of [
    { [BOB]: 7 },
    { [BOB]: { event_ids: [], data: { ts: 1 } } },
    { [BOB]: { event_ids: [7], data: { ts: 1 } } },
    { [BOB]: { event_ids: ['$x'], data: {} } },
    { [BOB]: { event_ids: ['$x'], data: { ts: 1.5 } } },
    { [BOB]: { event_ids: ['$x'], data: { ts: 1, thread_id: 7 } } },
    { '@nobody:b.test': { event_ids: ['$x'], data: { ts: 1 } } },
  ])
    await received(bad)
  await deliver(a, 'm.receipt', 'b.test', { '!none:x': { 'm.read': receipt('$x') }, [roomId]: 3 })
  await deliver(a, 'm.receipt', 'b.test', { [roomId]: { 'm.read.private': receipt('$x') } })
  a.isOpen = false
  await received(receipt('$y'))
  t.deepEqual(await atA(), before)

  const { receipts } = b.ephemeral.services
  const mine = await say(b, BOB, 'mine')
  await b.federation.transactions.receive('a.test', '1', { pdus: await pdusOf(a, [first, second]), edus: [] })
  await b.federation.idle()
  await receipts.mark(BOB, roomId, [
    { type: 'm.read', eventId: mine },
    { type: 'm.read.private', eventId: second },
    { type: 'm.fully_read', eventId: second },
  ])
  await idle()
  t.deepEqual(b.sent, [], 'that one has read what one wrote oneself is known')
  await receipts.mark(BOB, roomId, [{ type: 'm.read', eventId: second, threadId: 'main' }])
  await idle()
  t.deepEqual(
    b.sent.map(({ content, keep }) => ({ content, keep })),
    [
      {
        content: {
          [roomId]: {
            'm.read': { [BOB]: { event_ids: [second], data: { ts: b.clock.now(), thread_id: 'main' } } },
          },
        },
        keep: true,
      },
    ],
  )
  await receipts.mark(BOB, roomId, [{ type: 'm.read', eventId: second, threadId: 'main' }])
  await idle()
  t.is(b.sent.length, 1, 'nothing new')

  const created = (await b.core.writer.head(roomId))?.entry('m.room.create', '')?.eventId ?? ''
  t.like(await b.core.context.read.events.byId(created), { position: undefined })
  await receipts.mark(BOB, roomId, [
    { type: 'm.read.private', eventId: created },
    { type: 'm.fully_read', eventId: created },
  ])
  const own = await new ReceiptReader(b.core.context.db).ofUser(await nidAt(b), BOB)
  t.is(
    own.find(({ type }) => type === 'm.read.private')?.eventId,
    second,
    'nothing stands before the timeline',
  )
  const data = new AccountDataReader(b.core.context.db)
  t.is(await data.content(BOB, roomId, 'm.fully_read'), JSON.stringify({ event_id: second }))
})

test('what has been read is stored together with what tells other servers of it, or not at all', async t => {
  const { a, b, roomId, say, nidAt } = await setting(t, await testDatabase(t), { overFederation: true })
  const message = await say(b, BOB, 'Hello')
  await arrived(a, message)
  const { db } = a.core.context
  const nothing = db.prepare('INSERT INTO receipts (user_id) VALUES (NULL)')
  let isTold = false
  const keepEdus = () => ({
    statements: [{ prepared: nothing, rows: [[]] }],
    committed: () => {
      isTold = true
    },
  })
  const { writer } = a.core
  const receipts = new Receipts({ writer, clock: a.clock, keepEdus, admits: async () => true })
  await t.throwsAsync(receipts.mark(ALICE, roomId, [{ type: 'm.read', eventId: message }]))
  t.deepEqual(await new ReceiptReader(db).ofUser(await nidAt(a), ALICE), [])
  t.false(isTold)
})

testDatabases(
  test,
  'of receipts that two processes move at once, other servers are told the newer one',
  async (t, database) => {
    const { a, roomId, say, nidAt } = await setting(t, database)
    await a.rooms.memberships.join({ userId: CAROL, roomId, via: [] })
    const [older, newer] = [await say(a, ALICE, '1'), await say(a, ALICE, '2')]
    const { writer } = a.core
    const process = (commit: Database['commit']) => {
      const told: unknown[] = []
      const receipts = new Receipts({
        writer: replacing(writer, { context: { ...writer.context, db: replacing(database, { commit }) } }),
        clock: a.clock,
        keepEdus: edus => ({
          statements: [],
          committed: () => told.push(...edus.map(({ content }) => content)),
        }),
        admits: async () => true,
      })
      const read = (eventId: string) => receipts.mark(CAROL, roomId, [{ type: 'm.read', eventId }])
      return { told, read }
    }
    const first = process(set => database.commit(set))
    let isLate = true
    const second = process(async set => {
      if (isLate) await first.read(newer)
      isLate = false
      return database.commit(set)
    })
    await second.read(older)
    t.deepEqual([first.told.length, second.told], [1, []])
    const stored = await new ReceiptReader(database).ofUser(await nidAt(a), CAROL)
    t.deepEqual(
      stored.map(({ eventId }) => eventId),
      [newer],
    )
  },
)

/** The same, but for some of what it has. */
const replacing = <T extends object>(whole: T, parts: Partial<T>): T =>
  new Proxy(whole, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in parts ? parts : target, name, name in parts ? parts : target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

test('all of it travels in signed transactions', async t => {
  const { a, b, roomId, say, nidAt } = await setting(t, await testDatabase(t), { overFederation: true })
  const { typing, receipts, presence } = a.ephemeral.services
  const message = await say(b, BOB, 'Hello')
  await arrived(a, message)
  await typing.set(ALICE, roomId, true)
  await receipts.mark(ALICE, roomId, [{ type: 'm.read', eventId: message }])
  await presence.set(requesterOf(ALICE), 'online', 'Here')
  const room = await nidAt(b)
  const reader = new ReceiptReader(b.core.context.db)
  await eventually('she types', () => b.ephemeral.services.typing.users(room).includes(ALICE))
  await eventually('she has read it', async () =>
    (await reader.ofUser(room, ALICE)).some(row => row.eventId === message),
  )
  const { states } = b.ephemeral.services.presence
  await eventually('she is there', () => states.get(ALICE)?.statusMsg === 'Here')
  t.deepEqual(b.sent, [], 'what was received is not passed on')
})

const pdusOf = async ({ core }: Place, eventIds: readonly string[]): Promise<JsonObject[]> => {
  const events = await core.context.read.events.byIds(eventIds)
  return eventIds.flatMap(eventId => {
    const stored = events.get(eventId)
    return stored === undefined ? [] : [stored.event.pdu]
  })
}
