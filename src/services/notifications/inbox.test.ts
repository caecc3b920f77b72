import test from 'ava'
import fc from 'fast-check'
import { DUMMY_TYPE } from '../../core/dummy-type.ts'
import { countedReads } from '../../test-kit/counted-reads.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { testInboxes } from '../../test-kit/inboxes.ts'
import { randomRuns } from '../../test-kit/random-runs.ts'
import { newRoom, requesterOf } from '../../test-kit/rooms.ts'
import { type KnownMessage, messageFacts } from './room-messages.ts'

const [ALICE, BOB, CAROL] = ['@alice:here.test', '@bob:here.test', '@carol:here.test']
const DAY = 24 * 60 * 60_000

test('entries of a room stand for exactly the messages that are unread', t => {
  const message = fc.record({ highlight: fc.boolean(), isCall: fc.boolean() })
  fc.assert(
    fc.property(fc.array(message, { maxLength: 60 }), messages => {
      const known: KnownMessage[] = messages.map(({ highlight, isCall }, index) => ({
        position: 1_000 - index,
        eventNid: index,
        highlight,
        ts: 1_000 - index,
        eventId: `$${index}`,
        type: isCall ? 'm.call.invite' : 'm.room.message',
        sender: '@a:x',
      }))
      const facts = messageFacts(
        { userId: '@b:x', roomId: '!r' },
        { newest: known.slice(0, 30), count: known.length },
      )
      const stands = facts.reduce((sum, fact) => sum + fact.count, 0)
      return (
        stands === known.length &&
        facts.length <= 14 &&
        new Set(facts.map(({ id }) => id)).size === facts.length
      )
    }),
  )
  t.pass()
})

type Step =
  | { readonly does: 'say' | 'mention' | 'thread' | 'redact'; readonly about: number }
  | { readonly does: 'read' | 'readPrivately' | 'readThread'; readonly about: number }
  | { readonly does: 'leave'; readonly about: number }

const step: fc.Arbitrary<Step> = fc.record({
  does: fc.constantFrom(
    ...([
      'say',
      'say',
      'say',
      'mention',
      'thread',
      'redact',
      'read',
      'readPrivately',
      'readThread',
      'leave',
    ] as const),
  ),
  about: fc.nat(8),
})

testDatabases(test, 'the inbox agrees with the counts, whatever happens', async (t, database) => {
  t.timeout(600_000)
  const world = await testInboxes(t, database)
  const { rooms, receipts, core, push } = world
  await world.list(BOB)
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 30 }), async steps => {
      const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, { isPublic: true }), {
        isDirect: false,
      })
      const nid = (await core.context.read.rooms.byId(roomId))?.nid ?? 0
      await rooms.memberships.join({ userId: BOB, roomId })
      const said: string[] = []
      for (const { does, about } of steps) {
        const target = said.at(-1 - (about % Math.max(said.length, 1)))
        const relates = { 'm.relates_to': { rel_type: 'm.thread', event_id: said[0] ?? '$none' } }
        if (does === 'say') said.push(await world.say(ALICE, roomId))
        else if (does === 'mention')
          said.push(await world.say(ALICE, roomId, { 'm.mentions': { user_ids: [BOB] } }))
        else if (does === 'leave') {
          await rooms.memberships.leave({ userId: BOB, roomId })
          await rooms.memberships.join({ userId: BOB, roomId })
        } else if (target === undefined) continue
        else if (does === 'thread') await world.say(ALICE, roomId, relates)
        else if (does === 'redact') {
          const redaction = { roomId, redacts: target, txnId: `r${target}`, reason: undefined }
          await rooms.sending.redaction(requesterOf(ALICE), redaction)
        } else {
          const threadId = does === 'readThread' ? 'main' : undefined
          const type = does === 'readPrivately' ? 'm.read.private' : 'm.read'
          await receipts.mark(BOB, roomId, [{ type, eventId: target, threadId }])
        }
      }
      await world.settled()
      const { items } = await world.list(BOB, { limit: 100 })
      const own = items.filter(({ room }) => room.room_id === roomId)
      const { total } = await push.unread.ofRoom(BOB, nid)
      const stands = own.reduce((sum, { count = 1 }) => sum + count, 0)
      const mentions = own.filter(({ kind }) => kind === 'mention').length
      t.is(stands, total.notification_count, JSON.stringify(steps))
      t.is(mentions, Math.min(total.highlight_count, 10), JSON.stringify(steps))
      await world.notifications.services.notifications.closeAll(BOB, { roomId })
    }),
    { numRuns: randomRuns(database.dialect.name === 'sqlite' ? 4 : 2), endOnFailure: true },
  )
})

testDatabases(test, 'what a ban redacts waits for nobody any more', async (t, database) => {
  const world = await testInboxes(t, database)
  const { rooms } = world
  await world.list(BOB)
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, { isPublic: true }), {
    isDirect: false,
  })
  for (const userId of [BOB, CAROL]) await rooms.memberships.join({ userId, roomId })
  await world.say(CAROL, roomId, { 'm.mentions': { user_ids: [BOB] } })
  await world.settled()
  t.is((await world.list(BOB)).items.length, 1)
  await rooms.sending.state(requesterOf(ALICE), {
    ...{ roomId, type: 'm.room.member', stateKey: CAROL },
    content: { membership: 'ban', 'org.matrix.msc4293.redact_events': true },
  })
  await world.settled()
  t.deepEqual((await world.list(BOB)).items, [])
})

testDatabases(test, 'a year of notifications, then a quick first sync', async (t, plain) => {
  t.timeout(600_000)
  const { database, during } = countedReads(plain)
  const world = await testInboxes(t, database, { expiry: 30 * DAY, maxPerUser: 500 })
  const { rooms, clock, notifications } = world
  const center = notifications.services.notifications
  await world.list(BOB)
  const roomIds: string[] = []
  for (let n = 0; n < 3; n++) {
    const room = newRoom(rooms, ALICE, { isPublic: true })
    const roomId = await rooms.roomCreation.create(room, { isDirect: false })
    for (const userId of [BOB, CAROL]) await rooms.memberships.join({ userId, roomId })
    roomIds.push(roomId)
  }
  const invited = await rooms.roomCreation.create(newRoom(rooms, ALICE, { invite: [BOB] }), {
    isDirect: false,
  })
  // A week apart, in all rooms, mentions among it.
  for (let week = 0; week < 52; week++) {
    for (const [index, roomId] of roomIds.entries())
      await world.say(ALICE, roomId, (week + index) % 3 === 0 ? { 'm.mentions': { user_ids: [BOB] } } : {})
    await clock.advance(7 * DAY)
    await world.settled()
    if (week % 10 === 0) await notifications.housekeeping.tidy()
  }
  await notifications.housekeeping.tidy()

  const beginning = await center.beginning(requesterOf(BOB), 5)
  t.is(beginning.items.length, 5, 'the first of them, with where it goes on')
  t.not(beginning.nextBatch, undefined)
  const first = await center.beginning(requesterOf(BOB), 100)
  const reads = await during(() => center.beginning(requesterOf(BOB)))
  t.true(reads > 0 && reads < 80, `${reads} statements`)
  const items = first.items.map(
    item => JSON.parse(item) as { kind: string; created_ts: number; count?: number },
  )
  t.true(first.total === items.length && first.total < 20, 'few, not the year’s')
  t.true(items.every(({ kind, created_ts: ts }) => kind === 'invitation' || ts >= clock.now() - 30 * DAY))
  t.is(items.at(-1)?.kind, 'invitation', 'which is as old as the year, and still pending')
  t.is(
    items.filter(({ count = 1 }) => count > 1).length,
    roomIds.length,
    'the rest is one entry in each room',
  )
  // Somebody who has never asked gets the same out of what was kept for the counts.
  const carol = await center.beginning(requesterOf(CAROL))
  t.is(carol.total, roomIds.length)
  t.true((await world.list(CAROL)).items.every(({ kind, count }) => kind === 'message' && count === 52))
  // A client that was away for so long is told to begin anew, not of a year's changes.
  const changes = await center.changes(requesterOf(BOB), {
    after: 1,
    upTo: database.position('notifications'),
  })
  t.like(changes, { isReset: true, removed: [], total: first.total })

  await rooms.memberships.join({ userId: BOB, roomId: invited })
  await world.settled()
  t.is((await world.list(BOB, { kind: 'invitation' })).total, 0)
})

test('beyond the bound the oldest messages go, and what is not one stays', async t => {
  const database = await testDatabase(t)
  const world = await testInboxes(t, database, { expiry: 30 * DAY, maxPerUser: 5 })
  const { rooms, clock } = world
  await world.list(BOB)
  const mentioned = await rooms.roomCreation.create(newRoom(rooms, ALICE, { isPublic: true }), {
    isDirect: false,
  })
  await rooms.memberships.join({ userId: BOB, roomId: mentioned })
  await world.say(ALICE, mentioned, { 'm.mentions': { user_ids: [BOB] } })
  for (let n = 0; n < 12; n++) {
    const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, { isPublic: true }), {
      isDirect: false,
    })
    await rooms.memberships.join({ userId: BOB, roomId })
    await world.say(ALICE, roomId)
    await clock.advance(1_000)
  }
  await world.settled()
  const { items, total } = await world.list(BOB, { limit: 100 })
  t.true(total <= 6 && total >= 5, `${total} wait`)
  t.is(items.at(-1)?.kind, 'mention')
})

testDatabases(test, 'what somebody did before they were asked for is no answer', async (t, database) => {
  const world = await testInboxes(t, database)
  const { rooms, notifications, push } = world
  const { counter } = push
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, { isPublic: true }), {
    isDirect: false,
  })
  await world.settled()
  const counted = counter.counted.bind(counter)
  const late = Promise.withResolvers<void>()
  counter.counted = async position => {
    await late.promise
    await counted(position)
  }
  await rooms.memberships.join({ userId: BOB, roomId })
  const asking = notifications.attention.request({ asked: BOB, by: ALICE, roomId, ts: 0 })
  // Time enough for the request to be stored, if it did not wait.
  for (let n = 0; n < 3; n++) await world.say(ALICE, roomId)
  late.resolve()
  await asking
  await world.settled()
  t.is((await world.list(BOB, { kind: 'conversation_requested' })).total, 1)
  await world.core.sender.send(roomId, { type: DUMMY_TYPE, sender: BOB, content: {} })
  await world.settled()
  t.is((await world.list(BOB, { kind: 'conversation_requested' })).total, 1, 'the server has tied loose ends')
  await world.say(BOB, roomId)
  await world.settled()
  t.is((await world.list(BOB, { kind: 'conversation_requested' })).total, 0)
})
