import test from 'ava'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, BOB, forge, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import { say, stateAt } from '../../test-kit/federation-world.ts'
import {
  ALL_HISTORY,
  assertSameStates,
  assertSameTimeline,
  bodies,
  branch,
  gapsOf,
  lose,
  pages,
  scene,
  silence,
  timelineOf,
  upTo,
} from '../../test-kit/missed-history.ts'
import { RoomPurges } from '../rooms/room-purge.ts'

const HOUR = 3_600_000

test('what comes by itself after all closes a gap', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const late = await say(a, ALICE, roomId, 'late')
  silence(p, ALL_HISTORY)
  await world.send(a, b, [await say(a, ALICE, roomId, 'after')])
  t.is((await gapsOf(b, roomId)).length, 1)
  await world.send(a, b, [late])
  t.deepEqual(await gapsOf(b, roomId), [])
  t.deepEqual(bodies(await pages(b, roomId, { direction: 'b' })), ['late', 'after'])
})

test('a gap stays one where what comes by itself lacks something in turn', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  await world.send(a, b, [await say(a, ALICE, roomId, 'before')])
  await say(a, ALICE, roomId, 'lost')
  const late = await say(a, ALICE, roomId, 'late')
  silence(p, ALL_HISTORY)
  await world.send(a, b, [await say(a, ALICE, roomId, 'after')])
  await world.send(a, b, [late])
  t.is((await gapsOf(b, roomId)).length, 1)
  silence(p, undefined)
  const all = bodies(await pages(b, roomId, { direction: 'b' })).toReversed()
  t.deepEqual(all, ['before', 'lost', 'after', 'late'])
  t.deepEqual(await gapsOf(b, roomId), [])
})

test('what was said during a long absence is fetched once somebody is back', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  await world.send(a, b, [await say(a, ALICE, roomId, 'before')])
  await b.rooms.memberships.leave({ userId: BOB, roomId })
  const left = await stateAt(b, roomId, 'm.room.member', BOB)
  if (left === undefined) throw new Error('he is still there')
  await world.send(b, a, [left])
  const lost = await lose(p, roomId, 30)
  silence(p, ALL_HISTORY)
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  await eventually('the room is complete', async () => {
    await b.clock.advance(5_000)
    return (await b.core.writer.head(roomId))?.partial === undefined
  })
  t.deepEqual(bodies(await pages(b, roomId, { direction: 'b' })), ['before'])
  silence(p, undefined)
  await b.clock.advance(HOUR)
  t.deepEqual(bodies(await pages(b, roomId, { direction: 'b' })).toReversed(), ['before', ...lost])
  await assertSameTimeline(t, p, roomId)
  await assertSameStates(t, p, roomId)
})

for (const longer of [0, 5, -3])
  test(`where branches were missed, each event comes before what refers to it (${longer} longer)`, async t => {
    const p = await pair(t)
    const { a, b, world } = p
    const roomId = await sharedRoom(p)
    const before = await say(a, ALICE, roomId, 'before')
    await world.send(a, b, [before])
    const stem = await branch(p, roomId, { after: [before], bodies: upTo(3, 'stem') })
    const left = await branch(p, roomId, { after: stem.slice(-1), bodies: upTo(4, 'left') })
    const right = await branch(p, roomId, { after: stem.slice(-1), bodies: upTo(4 + longer, 'right') })
    const tips = [...left.slice(-1), ...right.slice(-1)]
    const [last] = await branch(p, roomId, { after: tips, bodies: ['last'] })
    if (last === undefined) throw new Error('nothing was said')
    // Of what was missed it is told the ends of both branches.
    silence(p, /backfill/)
    let answers = 1
    Object.assign(b.client, {
      getMissingEvents: async () => (answers-- > 0 ? tips.map(({ pdu }) => pdu) : []),
    })
    await world.send(a, b, [last])
    t.is((await gapsOf(b, roomId)).length, 1)
    silence(p, undefined)
    await pages(b, roomId, { direction: 'b', limit: 3 })
    const timeline = await timelineOf(b, roomId)
    t.is(new Set(timeline).size, timeline.length)
    const stored = await b.core.context.read.events.byIds(timeline)
    for (const [index, eventId] of timeline.entries()) {
      const prev = stored.get(eventId)?.event.prevEvents ?? []
      for (const id of prev) t.true(timeline.slice(0, index).includes(id), `before ${eventId}`)
    }
    const all = bodies([...stored.values()].map(({ event }) => event))
    const said = [...upTo(3, 'stem'), ...upTo(4, 'left'), ...upTo(4 + longer, 'right'), 'before', 'last']
    t.deepEqual(all.toSorted(), said.toSorted())
    t.deepEqual(await gapsOf(b, roomId), [])
  })

test('what is not to be had of a gap keeps nothing else from being fetched, and is asked for ever more rarely', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const { roomId, lost } = await scene(p, 5)
  for (let n = 0; n < 3; n++) {
    const prevEvents = Array.from({ length: 10 }, (_, m) => `$${`${n}${m}`.padEnd(43, 'n')}`)
    const nowhere = await forge(a, roomId, { sender: ALICE, prevEvents, depth: 1_000 })
    const { getStateIds, getState } = b.client
    const at = { roomId, eventId: (await a.core.writer.head(roomId))?.extremities[0]?.eventId ?? '' }
    Object.assign(b.client, {
      getStateIds: (server: string, _: unknown, options: Parameters<typeof getStateIds>[2]) =>
        getStateIds(server, at, options),
    })
    await world.send(a, b, [nowhere])
    Object.assign(b.client, { getStateIds, getState })
  }
  t.is((await gapsOf(b, roomId)).length, 1, 'they are counted to the same gap')
  silence(p, undefined)
  const asked = (): number => world.requests.filter(one => /b.test > a.test .*backfill/.test(one)).length
  t.deepEqual(bodies(await pages(b, roomId, { direction: 'b' })), [
    'forged',
    'forged',
    'forged',
    'last',
    'after',
    'before',
  ])
  await b.clock.advance(60_001)
  const all = ['before', ...lost, 'after', 'last', 'forged', 'forged', 'forged']
  t.deepEqual(bodies(await pages(b, roomId, { direction: 'b' })).toReversed(), all)
  const before = asked()
  for (let minute = 0; minute < 240; minute++) {
    await b.clock.advance(60_000)
    t.deepEqual(bodies(await pages(b, roomId, { direction: 'b', limit: 50 })).toReversed(), all)
  }
  t.true(asked() - before <= 11, `asked ${asked() - before} times in four hours`)
  t.is((await gapsOf(b, roomId)).length, 1)
})

test('a gap goes with what was around it, and what was purged is not fetched back into it', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const both = (ms: number) => Promise.all([a.clock.advance(ms), b.clock.advance(ms)])
  const roomId = await sharedRoom(p)
  const tell = async (body: string) => world.send(a, b, [await say(a, ALICE, roomId, body)])
  await tell('before')
  await both(HOUR)
  await lose(p, roomId, 5, 'old')
  await both(HOUR)
  const young = await lose(p, roomId, 5, 'young')
  silence(p, ALL_HISTORY)
  await tell('after')
  await world.send(b, a, [await say(b, BOB, roomId, 'his')])
  await both(HOUR)
  await tell('last')
  silence(p, undefined)
  const nid = (await b.core.context.read.rooms.byId(roomId))?.nid ?? 0
  const purge = (before: number) =>
    new RoomPurges(b.core.writer).purge({ nid, roomId }, { before }, new AbortController().signal)
  await purge(b.clock.now() - 1.5 * HOUR)
  t.deepEqual(bodies(await pages(b, roomId, { direction: 'b' })).toReversed(), [
    ...young,
    'after',
    'his',
    'last',
  ])
  t.is((await gapsOf(b, roomId)).length, 1)
  await purge(b.clock.now() - HOUR / 2)
  t.deepEqual(await gapsOf(b, roomId), [])
  t.deepEqual(bodies(await pages(b, roomId, { direction: 'b' })), ['last'])
})
