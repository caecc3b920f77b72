import test from 'ava'
import { type DeviceActivity, judgePresence } from '../../core/presence.ts'
import { ReceiptReader, ReceiptWriter } from '../../storage/ephemeral/receipts.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { parsePresenceContent } from './presence-edu.ts'
import { OFFLINE, updatedAfter } from './presence-states.ts'
import { parseReceiptContent } from './receipt-edu.ts'
import { RecentChanges } from './recent-changes.ts'

const ALICE = '@alice:a.test'
const BOB = '@bob:b.test'
const MINUTE = 60_000

testDatabases(test, 'receipts in many threads: the longest untouched are forgotten', async (t, db) => {
  const [read, write] = [new ReceiptReader(db), new ReceiptWriter(db)]
  const receipt = (threadId: string, userId = BOB) =>
    ({ roomNid: 1, userId, type: 'm.read', threadId, eventId: '$e', eventPosition: 1, ts: 1 }) as const
  for (const thread of ['', '$1', '$2', '$3', '$4'])
    await db.commit({ statements: [write.move([receipt(thread)])] })
  await db.commit({ statements: [write.move([{ ...receipt('$1'), eventId: '$f', eventPosition: 2 }])] })
  await db.commit({
    statements: [write.move([receipt('$1', ALICE)]), write.boundThreads(1, BOB, 'm.read', 2)],
  })
  t.deepEqual((await read.ofUser(1, BOB)).map(row => row.threadId).toSorted(), ['', '$1', '$4'])
  t.is((await read.ofUser(1, ALICE)).length, 1)
  t.deepEqual(await read.roomsWithNews([1, 2], 0, 100), [])
})

test('what is remembered of a stream, and what is not', t => {
  const changes = new RecentChanges<string>(10, { max: 4 })
  t.is(changes.between(9, 20), undefined)
  for (const [position, change] of [
    [11, 'a'],
    [12, 'b'],
    [12, 'c'],
    [15, 'd'],
  ] as const)
    changes.add(position, change)
  t.deepEqual(changes.between(10, 20), ['a', 'b', 'c', 'd'])
  t.deepEqual(changes.between(11, 14), ['b', 'c'])
  t.deepEqual(changes.between(15, 20), [])
  changes.add(16, 'e')
  t.is(changes.between(11, 20), undefined, 'the older half is gone')
  t.deepEqual(changes.between(12, 20), ['d', 'e'], 'after the last that was forgotten, nothing is missing')
})

test('devices amount to the presence of the liveliest one', t => {
  const now = 1_000_000_000
  const device: DeviceActivity = { chosen: 'online', openSyncs: 1, lastSeenTs: now, lastActiveTs: now }
  const judge = (...devices: readonly Partial<DeviceActivity>[]): string => {
    const judged = judgePresence(
      devices.map(changes => ({ ...device, ...changes })),
      now,
    )
    return `${judged.presence} ${judged.currentlyActive} ${judged.until - now}`
  }
  const chosen = (presence: 'unavailable' | 'offline') => ({ chosen: presence })
  t.is(judge(), 'offline false Infinity')
  t.is(judge({}), 'online true 60000')
  t.is(judge({ lastActiveTs: now - MINUTE }), 'online false 240000')
  t.is(judge({ lastActiveTs: now - 5 * MINUTE }), 'unavailable false Infinity')
  t.is(judge({ lastActiveTs: now - 5 * MINUTE, openSyncs: 0 }), 'unavailable false 30000')
  t.is(judge({ openSyncs: 0, lastSeenTs: now - 29_000 }), 'online true 1000')
  t.is(judge({ openSyncs: 0, lastSeenTs: now - 30_000 }), 'offline false Infinity')
  t.is(judge(chosen('unavailable')), 'unavailable false Infinity')
  t.is(judge(chosen('offline')), 'offline false Infinity')
  t.is(judge(chosen('offline'), chosen('unavailable')), 'unavailable false Infinity')
  t.is(judge(chosen('offline'), {}), 'online true 60000')
})

test('nothing is passed on of users whose IDs are non-compliant, nor of other servers’ users', t => {
  const users = [
    '@bob:b.test',
    '@Old-Bob:b.test',
    '@b\u00f6b:b.test',
    '@:b.test',
    '@a b:b.test',
    '@carol:c.test',
  ]
  const good = users.slice(0, 2)
  const receipt = { event_ids: ['$e'], data: { ts: 1 } }
  const receipts = { '!r:b.test': { 'm.read': Object.fromEntries(users.map(userId => [userId, receipt])) } }
  t.deepEqual(
    parseReceiptContent('b.test', receipts)
      .get('!r:b.test')
      ?.map(({ userId }) => userId),
    good,
  )
  const push = users.map(userId => ({ user_id: userId, presence: 'online', last_active_ago: 1 }))
  t.deepEqual(
    parsePresenceContent('b.test', { push }).map(({ userId }) => userId),
    good,
  )
})

test('receipts from before 1970 are passed over', t => {
  const receipt = (ts: number) => ({ event_ids: ['$e'], data: { ts } })
  const content = { '!r:b.test': { 'm.read': { '@new:b.test': receipt(1), '@old:b.test': receipt(-1) } } }
  t.deepEqual(
    parseReceiptContent('b.test', content)
      .get('!r:b.test')
      ?.map(({ userId }) => userId),
    ['@new:b.test'],
  )
})

test('what is learnt now is later than what is known of a process whose clock is ahead, though not by hours', t => {
  const known = { ...OFFLINE, updatedTs: 10_000_000 }
  t.is(updatedAfter(undefined, 9_999_000), 9_999_000)
  t.is(updatedAfter(known, 10_000_001), 10_000_001)
  t.is(updatedAfter(known, 9_999_000), 10_000_000)
  t.is(updatedAfter(known, 5_000_000), 5_060_000)
})
