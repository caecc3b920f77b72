import test from 'ava'
import { roomEventFilter } from '../../core/filter.ts'
import { silentLog } from '../../core/log.ts'
import type { Database } from '../../storage/database.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { ALICE, BOB, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import { FederationWorld, say, stateAt } from '../../test-kit/federation-world.ts'
import {
  assertSameStates,
  assertSameTimeline,
  bodies,
  gapsOf,
  idsIn,
  lose,
  page,
  pages,
  scene,
  silence,
  timelineOf,
} from '../../test-kit/missed-history.ts'
import type { SyncBody } from '../../test-kit/people.ts'
import { NO_GATEWAY } from '../../test-kit/push-counts.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { requesterOf } from '../../test-kit/rooms.ts'
import { createPush } from '../push/index.ts'

const ANY = roomEventFilter(undefined)
const HOUR = 3_600_000

testDatabases(
  test,
  'what was missed and could not be had then is fetched when somebody pages over it',
  async (t, database: Database) => {
    const p = await pair(t, database)
    const { a, b } = p
    const { roomId, lost, tell } = await scene(p, 45)
    t.is((await gapsOf(b, roomId)).length, 1)
    // While nobody has it, it is passed over, and nobody is asked for it each time.
    const asked = (): number => p.world.requests.filter(one => /b.test > a.test .*backfill/.test(one)).length
    const newest = await page(b, roomId, { direction: 'b', limit: 1 })
    t.deepEqual(bodies(await pages(b, roomId, { direction: 'b' })), ['last', 'after', 'before'])
    const before = asked()
    t.deepEqual(bodies(await pages(b, roomId, { direction: 'b' })), ['last', 'after', 'before'])
    t.is(asked(), before)

    silence(p, undefined)
    await b.clock.advance(HOUR)
    await tell('new')
    const position = database.position('events')
    const all = await pages(b, roomId, { direction: 'b' })
    t.deepEqual(bodies(all).toReversed(), ['before', ...lost, 'after', 'last', 'new'])
    t.deepEqual(idsIn(all).toReversed(), await timelineOf(a, roomId))
    t.is(new Set(idsIn(all)).size, all.length)
    t.is(database.position('events'), position, 'it is no news')
    t.deepEqual(await gapsOf(b, roomId), [])
    await assertSameStates(t, p, roomId)
    // What was handed out before leads to the same.
    t.deepEqual(bodies(await pages(b, roomId, { direction: 'b', from: newest.end })).toReversed(), [
      'before',
      ...lost,
      'after',
    ])
    t.deepEqual(bodies(await pages(b, roomId, { direction: 'f' })), [
      'before',
      ...lost,
      'after',
      'last',
      'new',
    ])
    t.is((await stateAt(b, roomId, 'm.room.topic'))?.content['topic'], 'lost 41')
  },
)

test('what lies beyond what is caught up with at once is fetched later', async t => {
  const world = new FederationWorld(t)
  const a = await world.add('a.test')
  const b = await world.add('b.test', { maxGap: { events: 20, characters: 1_000_000 } })
  const p = { world, a, b }
  const roomId = await sharedRoom(p)
  await world.send(a, b, [await say(a, ALICE, roomId, 'before')])
  const lost = await lose(p, roomId, 60)
  await world.send(a, b, [await say(a, ALICE, roomId, 'after')])
  const caughtUp = await timelineOf(b, roomId)
  t.deepEqual(caughtUp.slice(-21), (await timelineOf(a, roomId)).slice(-21))
  t.is((await gapsOf(b, roomId)).length, 1)
  await assertSameStates(t, p, roomId)
  const all = bodies(await pages(b, roomId, { direction: 'b' })).toReversed()
  t.deepEqual(all, ['before', ...lost, 'after'])
  await assertSameTimeline(t, p, roomId)
  await assertSameStates(t, p, roomId)
})

test('/sync says that something is left out, leads there, and does not tell of it as new', async t => {
  const p = await pair(t)
  const { b } = p
  const sync = testSync(b, b.database)
  t.teardown(() => sync.close())
  const { core, clock } = b
  const push = createPush({ core, gateway: NO_GATEWAY, clock, log: silentLog })
  push.start()
  t.teardown(() => push.close())
  let since = ''
  const { roomId, lost, tell } = await scene(p, 25, async () => {
    since = (await sync.ask(BOB)).next_batch
  })
  const room = (body: SyncBody) => body.rooms?.join?.[roomId]
  const missed = await sync.ask(BOB, { since })
  t.deepEqual(bodies(room(missed)?.timeline?.events ?? []), ['after', 'last'])
  t.true(room(missed)?.timeline?.limited)
  const isTopic = ({ type }: { type: string }): boolean => type === 'm.room.topic'
  t.deepEqual(
    room(missed)
      ?.state?.events?.filter(isTopic)
      .map(({ content }) => content['topic']),
    ['lost 21'],
  )
  t.deepEqual(bodies(room(await sync.ask(BOB))?.timeline?.events ?? []), ['after', 'last'])
  await push.counter.counted(b.database.position('events'))
  const unread = await push.unread.badge(BOB)
  t.is(unread, 3)

  silence(p, undefined)
  await b.clock.advance(HOUR)
  const from = room(missed)?.timeline?.prev_batch
  t.deepEqual(bodies(await pages(b, roomId, { direction: 'b', from })).toReversed(), ['before', ...lost])
  t.is(room(await sync.ask(BOB, { since: missed.next_batch })), undefined)
  await tell('new')
  const later = room(await sync.ask(BOB, { since: missed.next_batch }))
  t.deepEqual(bodies(later?.timeline?.events ?? []), ['new'])
  t.false(later?.timeline?.limited)
  t.deepEqual(later?.state?.events, [])
  await push.counter.counted(b.database.position('events'))
  t.is(await push.unread.badge(BOB), unread + 1)
  // Who was away since before it is told of the newest in their order.
  t.deepEqual(bodies(room(await sync.ask(BOB, { since }))?.timeline?.events ?? []).slice(-4), [
    'lost 24',
    'after',
    'last',
    'new',
  ])
})

test('a long gap is filled in pieces, from above, and for who reads forwards as well', async t => {
  const p = await pair(t)
  const { b } = p
  const { roomId, lost } = await scene(p, 150)
  silence(p, undefined)
  const oldest = await page(b, roomId, { direction: 'f', limit: 1_000 })
  t.deepEqual(bodies(oldest.events), ['before', ...lost, 'after', 'last'])
  await assertSameTimeline(t, p, roomId)
  await assertSameStates(t, p, roomId)

  const other = await scene(p, 120)
  silence(p, undefined)
  const first = await page(b, other.roomId, { direction: 'b', limit: 30 })
  t.deepEqual(bodies(first.events).slice(0, 3), ['last', 'after', 'lost 119'])
  const [gap] = await gapsOf(b, other.roomId)
  t.true((gap?.floor ?? 0) < (gap?.top ?? 0), 'a part of it is here')
  await assertSameStates(t, p, other.roomId)
  const rest = await pages(b, other.roomId, { direction: 'b', from: first.end, limit: 30 })
  t.deepEqual(bodies([...first.events, ...rest]).toReversed(), ['before', ...other.lost, 'after', 'last'])
  await assertSameTimeline(t, p, other.roomId)
  await assertSameStates(t, p, other.roomId)
})

test('what surrounds an event ends at a gap, and its tokens lead into it', async t => {
  const p = await pair(t)
  const { b } = p
  const { roomId, lost } = await scene(p, 5)
  const timeline = await timelineOf(b, roomId)
  const around = async (fromEnd: number) => {
    const center = await b.core.context.read.events.byId(timeline.at(fromEnd) ?? '')
    if (center === undefined) throw new Error('no such event')
    return b.rooms.roomHistory.around(requesterOf(BOB), roomId, center, { limit: 20, filter: ANY })
  }
  const [before, after] = [await around(-3), await around(-2)]
  t.deepEqual(before.after, [])
  t.deepEqual(after.before, [])
  silence(p, undefined)
  t.deepEqual(bodies((await page(b, roomId, { direction: 'f', from: before.end })).events), [
    ...lost,
    'after',
    'last',
  ])
  t.deepEqual(
    bodies(await pages(b, roomId, { direction: 'b', from: after.start })),
    ['before', ...lost].toReversed(),
  )
})

test('each gap is filled by itself, also after a restart, and what was caught up with stays where it is', async t => {
  const database = await testDatabase(t)
  const p = await pair(t, database)
  const { a, b, world } = p
  const { roomId, lost, tell } = await scene(p, 8)
  await a.clock.advance(1_000)
  const again = await lose(p, roomId, 70, 'more')
  // Of this one the newest part is caught up with.
  let answers = 1
  world.intercept = ({ to, path }) =>
    to === 'a.test' && (/backfill/.test(path) || (/get_missing_events/.test(path) && answers-- <= 0))
      ? { status: 500, json: { errcode: 'M_UNKNOWN' } }
      : undefined
  await tell('back')
  const held = await timelineOf(b, roomId)
  t.is((await gapsOf(b, roomId)).length, 2)
  await b.kill()
  silence(p, undefined)
  const reborn = await world.add('b.test', { database, clock: b.clock })
  const all = await pages(reborn, roomId, { direction: 'b', limit: 50 })
  t.deepEqual(bodies(all).toReversed(), ['before', ...lost, 'after', 'last', ...again, 'back'])
  const timeline = await timelineOf(reborn, roomId)
  t.deepEqual(timeline, await timelineOf(a, roomId))
  t.deepEqual(
    timeline.filter(eventId => held.includes(eventId)),
    held,
  )
  t.deepEqual(await gapsOf(reborn, roomId), [])
  await assertSameStates(t, { ...p, b: reborn }, roomId)
})
