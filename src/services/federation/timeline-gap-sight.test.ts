import { randomBytes } from 'node:crypto'
import test from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { ALICE, BOB, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import { say, setState } from '../../test-kit/federation-world.ts'
import { ALL_HISTORY, bodies, pages, silence } from '../../test-kit/missed-history.ts'
import { testRooms } from '../../test-kit/rooms.ts'

const HOUR = 3_600_000

test('what is filled in is shown to whom it was shown when it was said, and is as it would be had it come in time', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  await world.send(a, b, [await say(a, ALICE, roomId, 'before')])
  const see = (history_visibility: string) =>
    setState(a, ALICE, roomId, { type: 'm.room.history_visibility', content: { history_visibility } })
  await say(a, ALICE, roomId, 'open')
  await see('joined')
  await say(a, ALICE, roomId, 'secret')
  await see('shared')
  const root = await say(a, ALICE, roomId, 'root')
  const wrong = await say(a, ALICE, roomId, 'wrong')
  silence(p, ALL_HISTORY)
  const send = async (fields: { type?: string; content: JsonObject; redacts?: string }) => {
    const { event } = await a.core.sender.send(roomId, { type: 'm.room.message', sender: ALICE, ...fields })
    await world.send(a, b, event === undefined ? [] : [event])
    return event?.eventId ?? ''
  }
  const relation = { rel_type: 'm.thread', event_id: root.eventId }
  const reply = await send({ content: { msgtype: 'm.text', body: 'reply', 'm.relates_to': relation } })
  await send({ type: 'm.room.redaction', content: { redacts: wrong.eventId } })
  const BEN = '@ben:b.test'
  await b.rooms.memberships.join({ userId: BEN, roomId })
  // What decides about their sights is known before.
  for (const userId of [BOB, BEN])
    t.deepEqual(bodies(await pages(b, roomId, { direction: 'b', userId })), ['reply', 'before'])
  silence(p, undefined)
  await b.clock.advance(HOUR)
  const seen = await pages(b, roomId, { direction: 'b' })
  t.deepEqual(bodies(seen), ['reply', 'root', 'secret', 'open', 'before'])
  t.deepEqual(bodies(await pages(b, roomId, { direction: 'b', userId: BEN })), [
    'reply',
    'root',
    'open',
    'before',
  ])
  const shown = (id: string) =>
    seen.find(event => event['event_id'] === id) as { unsigned?: JsonObject } | undefined
  t.truthy(shown(wrong.eventId)?.unsigned?.['redacted_because'])
  const thread = (shown(root.eventId)?.unsigned?.['m.relations'] as JsonObject | undefined)?.['m.thread']
  t.like(thread, { count: 1, latest_event: { event_id: reply } })
  const room = await b.core.context.read.rooms.byId(roomId)
  const hits = await b.core.context.read.messages.search({
    ...{ phrases: [['open']], types: ['m.room.message'] },
    ...{ roomNids: [room?.nid ?? 0], upToNid: Number.MAX_SAFE_INTEGER, limit: 10 },
  })
  t.is(hits.length, 1, 'it is found')
})

testDatabases(
  test,
  'what one process fills in another shows as it is, whatever it knew of the room',
  async (t, database) => {
    const p = await pair(t, database)
    const { a, b, world } = p
    const roomId = await sharedRoom(p)
    // What is before all that is here changes nothing later.
    await pages(b, roomId, { direction: 'b' })
    await world.send(a, b, [await say(a, ALICE, roomId, 'before')])
    const see = (history_visibility: string) =>
      setState(a, ALICE, roomId, { type: 'm.room.history_visibility', content: { history_visibility } })
    await see('joined')
    await say(a, ALICE, roomId, 'secret')
    await see('shared')
    await say(a, ALICE, roomId, 'open')
    silence(p, ALL_HISTORY)
    await world.send(a, b, [await say(a, ALICE, roomId, 'after')])
    // What held before the gap is neither the first nor the last that is known.
    await world.send(a, b, [await see('invited')])
    const BEN = '@ben:b.test'
    await b.rooms.memberships.join({ userId: BEN, roomId })
    const { rooms } = await testRooms(database, { serverName: 'b.test', seed: 9, random: randomBytes })
    const other = { ...b, rooms }
    for (const userId of [BEN, BOB])
      t.deepEqual(bodies(await pages(other, roomId, { direction: 'b', userId })), ['after', 'before'])
    silence(p, undefined)
    const all = ['after', 'open', 'secret', 'before']
    t.deepEqual(bodies(await pages(b, roomId, { direction: 'b' })), all)
    t.deepEqual(bodies(await pages(other, roomId, { direction: 'b' })), all)
    t.deepEqual(bodies(await pages(other, roomId, { direction: 'b', userId: BEN })), [
      'after',
      'open',
      'before',
    ])
  },
)

testDatabases(test, 'what came before a gap is redacted by what was in it', async (t, database) => {
  const p = await pair(t, database)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  await pages(b, roomId, { direction: 'b' })
  const wrong = await say(a, ALICE, roomId, 'wrong')
  await world.send(a, b, [wrong])
  silence(p, ALL_HISTORY)
  const { event: redaction } = await a.core.sender.send(roomId, {
    ...{ type: 'm.room.redaction', sender: ALICE, content: { redacts: wrong.eventId } },
  })
  await world.send(a, b, [await say(a, ALICE, roomId, 'after')])
  t.deepEqual(bodies(await pages(b, roomId, { direction: 'b' })), ['after', 'wrong'])
  silence(p, undefined)
  await b.clock.advance(HOUR)
  const seen = await pages(b, roomId, { direction: 'b' })
  t.deepEqual(bodies(seen), ['after'])
  t.true(seen.some(event => event['event_id'] === redaction?.eventId))
  const shown = seen.find(event => event['event_id'] === wrong.eventId)
  t.truthy((shown?.['unsigned'] as JsonObject | undefined)?.['redacted_because'])
})
