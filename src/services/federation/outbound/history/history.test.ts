import test, { type ExecutionContext } from 'ava'
import type { JsonObject } from '../../../../core/json.ts'
import { testDatabases } from '../../../../test-kit/database.ts'
import {
  ALICE,
  BOB,
  bodies,
  type HistoryWorld,
  historyWorld,
  pageBack,
} from '../../../../test-kit/remote-history.ts'
import { stateAfter } from '../../../rooms/state-at.ts'

/** Compares the state after each event of the timeline here with what it is where the event comes from. */
const assertSameStates = async (
  t: ExecutionContext,
  { here, there, roomId }: HistoryWorld,
): Promise<number> => {
  const room = await here.core.context.read.rooms.byId(roomId)
  const roomNid = room?.nid ?? 0
  const { read } = here.core.context
  const range = { roomNid, after: -Number.MAX_SAFE_INTEGER, upTo: Number.MAX_SAFE_INTEGER, limit: 1_000 }
  const timeline = await read.events.forwards(range)
  for (const { position = 0, event } of timeline) {
    const original = await there.core.context.read.events.byId(event.eventId)
    if (original === undefined) throw new Error(`unknown event ${event.eventId}`)
    const expected = [...(await stateAfter(there.core.context.read, original)).values()]
    const actual = await read.state.at(roomNid, position)
    t.deepEqual(
      actual.map(entry => entry.eventId).toSorted(),
      expected.map(entry => entry.eventId).toSorted(),
      `the state after ${event.type} at ${position}`,
    )
  }
  return timeline.length
}

testDatabases(test, 'history from before the join is paged back to the beginning', async (t, database) => {
  const w = await historyWorld(t, database)
  const said: string[] = []
  for (let n = 0; n < 45; n++) {
    said.push(`${n}`)
    await w.say(`${n}`)
    if (n % 7 === 0) await w.set('m.room.topic', { topic: `topic ${n}` })
    if (n === 20) await w.set('org.example.note', { n }, 'a')
    if (n === 30) await w.set('org.example.note', { n }, 'b')
  }
  await w.joinBob()
  await w.say('after')
  const events = await pageBack(w)
  t.deepEqual(bodies(events), said.toReversed())
  t.is(events.at(-1)?.['type'], 'm.room.create')
  const ids = events.map(event => event['event_id'])
  t.is(new Set(ids).size, ids.length)
  const compared = await assertSameStates(t, w)
  t.is(compared, events.length)

  const { read } = w.here.core.context
  const room = await read.rooms.byId(w.roomId)
  t.deepEqual(await read.rooms.missingEvents(room?.nid ?? 0), [], 'nothing is missing any more')
  const rows = await database.get<{ n: number }>(
    database.prepare('SELECT COUNT(*) AS n FROM room_state WHERE room_nid = ?'),
    [room?.nid ?? 0],
  )
  const changes = events.filter(event => event['state_key'] !== undefined).length
  t.is(rows?.n, changes, 'one row for each change, whatever the number of chunks')
})

testDatabases(test, 'history shows what was visible at the time', async (t, database) => {
  const w = await historyWorld(t, database)
  await w.set('m.room.history_visibility', { history_visibility: 'joined' })
  for (let n = 0; n < 25; n++) await w.say(`secret ${n}`)
  await w.set('m.room.history_visibility', { history_visibility: 'shared' })
  for (let n = 0; n < 25; n++) await w.say(`open ${n}`)
  await w.joinBob()
  const seen = bodies(await pageBack(w)).map(String)
  t.is(seen.filter(body => body.startsWith('open')).length, 25)
  t.deepEqual(
    seen.filter(body => body.startsWith('secret')),
    [],
  )
  await assertSameStates(t, w)
})

testDatabases(test, 'who was invited sees what was said since then', async (t, database) => {
  const w = await historyWorld(t, database)
  await w.set('m.room.history_visibility', { history_visibility: 'invited' })
  for (let n = 0; n < 5; n++) await w.say(`secret ${n}`)
  await w.set('m.room.member', { membership: 'invite' }, BOB)
  const said = Array.from({ length: 45 }, (_, n) => `${n}`)
  for (const body of said) await w.say(body)
  await w.joinBob()
  t.deepEqual(bodies(await pageBack(w)), said.toReversed())
})

test('a page that is not filled by what other servers tell is not the last one', async t => {
  const w = await historyWorld(t)
  const said = Array.from({ length: 130 }, (_, n) => `${n}`)
  for (const body of said) await w.say(body)
  await w.joinBob()
  const events = await pageBack(w, 1_000)
  t.deepEqual(bodies(events), said.toReversed())
  t.is(events.at(-1)?.['type'], 'm.room.create')
})

test('forks in the past, and redactions there', async t => {
  const w = await historyWorld(t)
  const { writer } = w.there.core
  const first = (
    await w.there.core.sender.send(w.roomId, { type: 'm.a', sender: ALICE, content: { body: 'gone' } })
  ).eventId
  const redaction = { type: 'm.room.redaction', sender: ALICE, content: {}, redacts: first }
  for (let n = 0; n < 2; n++) await w.there.core.sender.send(w.roomId, redaction)
  for (let n = 0; n < 5; n++) await w.say(`${n}`)
  const head = await writer.head(w.roomId)
  const base = head?.extremities ?? []
  await w.say('left')
  const left = head?.extremities ?? []
  head?.setExtremities(base)
  await w.say('right')
  head?.setExtremities([...left, ...(head?.extremities ?? [])])
  await w.say('both')
  await w.joinBob()
  const events = await pageBack(w)
  t.deepEqual(bodies(events).toSorted(), ['0', '1', '2', '3', '4', 'both', 'left', 'right'])
  t.is(bodies(events)[0], 'both')
  const redacted = events.find(event => event['event_id'] === first)
  t.deepEqual(redacted?.['content'], {})
  t.truthy((redacted?.['unsigned'] as JsonObject | undefined)?.['redacted_because'])
  t.is(events.filter(event => event['type'] === 'm.room.redaction').length, 2, 'both are shown')
})
