import test, { type ExecutionContext } from 'ava'
import { roomEventFilter } from '../../../../core/filter.ts'
import type { JsonObject } from '../../../../core/json.ts'
import { type FederationClient, FederationError } from '../../../../network/federation-client.ts'
import type { Database } from '../../../../storage/database.ts'
import { testDatabase, testDatabases } from '../../../../test-kit/database.ts'
import { type FederatedServer, federatedServer, type KeyTable } from '../../../../test-kit/outbound.ts'
import { clientOf, Resident } from '../../../../test-kit/resident.ts'
import { newRoom, requesterOf, type TestRooms, testRooms } from '../../../../test-kit/rooms.ts'
import { stateAfter } from '../../../rooms/state-at.ts'

const ALICE = '@alice:there.test'
const BOB = '@bob:here.test'
const THERE = 'there.test'
const ANY = roomEventFilter(undefined)

interface World {
  readonly here: FederatedServer
  readonly there: TestRooms
  readonly client: FederationClient
  readonly roomId: string
  say(body: string): Promise<unknown>
  set(type: string, content: JsonObject, stateKey?: string): Promise<unknown>
  joinBob(): Promise<void>
}

const world = async (t: ExecutionContext, database?: Database): Promise<World> => {
  const there = await testRooms(await testDatabase(t), { serverName: THERE, seed: 2 })
  const keys: KeyTable = new Map([[THERE, there.core.signingKey.publicKey]])
  const client = clientOf([new Resident(there.core)])
  const here = await federatedServer(database ?? (await testDatabase(t)), { federation: client, keys })
  const roomId = await there.rooms.roomCreation.create(
    newRoom(there.rooms, ALICE, { preset: 'public_chat', name: 'Tea' }),
    { isDirect: false },
  )
  const send = (type: string, content: JsonObject, stateKey?: string) =>
    there.core.sender.send(roomId, {
      type,
      sender: ALICE,
      content,
      ...(stateKey === undefined ? {} : { stateKey }),
    })
  return {
    here,
    there,
    client,
    roomId,
    say: body => send('m.room.message', { body, msgtype: 'm.text' }),
    set: (type, content, stateKey = '') => send(type, content, stateKey),
    joinBob: () => here.rooms.memberships.join({ userId: BOB, roomId, via: [THERE] }),
  }
}

/** All that Bob gets by paging back to the end, newest first. */
const pageBack = async ({ here, roomId }: World, limit = 10): Promise<JsonObject[]> => {
  const events: JsonObject[] = []
  let from: string | undefined
  for (let page = 0; page < 50; page++) {
    const answer = await here.rooms.roomHistory.messages(requesterOf(BOB), roomId, {
      direction: 'b',
      limit,
      from,
      filter: ANY,
    })
    events.push(...answer.chunk.map(text => JSON.parse(text) as JsonObject))
    if (answer.end === undefined) return events
    from = answer.end
  }
  throw new Error('there is no end')
}

const bodies = (events: readonly JsonObject[]): unknown[] =>
  events.flatMap(event => (event['content'] as JsonObject)['body'] ?? [])

/** Compares the state after each event of the timeline here with what it is where the event comes from. */
const assertSameStates = async (t: ExecutionContext, { here, there, roomId }: World): Promise<number> => {
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
  const w = await world(t, database)
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
  const w = await world(t, database)
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
  const w = await world(t, database)
  await w.set('m.room.history_visibility', { history_visibility: 'invited' })
  for (let n = 0; n < 5; n++) await w.say(`secret ${n}`)
  await w.set('m.room.member', { membership: 'invite' }, BOB)
  const said = Array.from({ length: 45 }, (_, n) => `${n}`)
  for (const body of said) await w.say(body)
  await w.joinBob()
  t.deepEqual(bodies(await pageBack(w)), said.toReversed())
})

test('a page that is not filled by what other servers tell is not the last one', async t => {
  const w = await world(t)
  const said = Array.from({ length: 130 }, (_, n) => `${n}`)
  for (const body of said) await w.say(body)
  await w.joinBob()
  const events = await pageBack(w, 1_000)
  t.deepEqual(bodies(events), said.toReversed())
  t.is(events.at(-1)?.['type'], 'm.room.create')
})

test('where nobody can be asked, what is older can be asked for later', async t => {
  const w = await world(t)
  await w.say('before')
  await w.joinBob()
  const { backfill } = w.client
  Object.assign(w.client, {
    backfill: async (server: string) => {
      throw new FederationError('unreachable', server, 'down')
    },
  })
  const page = (from?: string) =>
    w.here.rooms.roomHistory.messages(requesterOf(BOB), w.roomId, { direction: 'b', from, filter: ANY })
  const first = await page()
  t.is(first.chunk.length, 1)
  t.truthy(first.end)
  const empty = await page(first.end)
  t.deepEqual([empty.chunk, empty.end], [[], undefined])
  Object.assign(w.client, { backfill })
  await w.here.clock.advance(60_001)
  t.deepEqual(bodies((await page(first.end)).chunk.map(text => JSON.parse(text))), ['before'])
})

test('forks in the past, and redactions there', async t => {
  const w = await world(t)
  const { writer } = w.there.core
  const first = (
    await w.there.core.sender.send(w.roomId, { type: 'm.a', sender: ALICE, content: { body: 'gone' } })
  ).eventId
  await w.there.core.sender.send(w.roomId, {
    type: 'm.room.redaction',
    sender: ALICE,
    content: {},
    redacts: first,
  })
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
})

test('servers are asked one after another, once for all who wait, and not again at once', async t => {
  const w = await world(t)
  for (let n = 0; n < 30; n++) await w.say(`${n}`)
  await w.joinBob()
  const { backfill } = w.client
  let asked = 0
  let answer: FederationClient['backfill'] = async server => {
    throw new FederationError('unreachable', server, 'down')
  }
  Object.assign(w.client, {
    backfill: (...call: Parameters<typeof backfill>) => {
      asked += 1
      return answer(...call)
    },
  })
  const fetch = () => w.here.outbound.fetchHistory(w.roomId, 20)
  t.deepEqual(await Promise.all([fetch(), fetch(), fetch()]), [false, false, false])
  t.is(asked, 1)
  t.false(await fetch())
  t.is(asked, 1, 'not again at once')
  await w.here.clock.advance(60_001)
  answer = backfill
  t.deepEqual(await Promise.all([fetch(), fetch()]), [true, true])
  t.is(asked, 2)
  t.false(await w.here.outbound.fetchHistory('!unknown:there.test', 20))
  t.is(asked, 2)
})

test('what does not belong to the history is not taken', async t => {
  const w = await world(t)
  const other = await w.there.rooms.roomCreation.create(
    newRoom(w.there.rooms, ALICE, { preset: 'public_chat' }),
    { isDirect: false },
  )
  for (let n = 0; n < 10; n++) await w.say(`${n}`)
  await w.joinBob()
  await w.say('not history, and referred to by nothing before')
  const later = (await w.there.core.writer.head(w.roomId))?.extremities[0]?.eventId ?? ''
  const elsewhere = (await w.there.core.writer.head(other))?.extremities[0]?.eventId ?? ''
  const { backfill } = w.client
  const pduOf = async (eventId: string) =>
    (await w.there.core.context.read.events.byId(eventId))?.event.pdu ?? {}
  Object.assign(w.client, {
    backfill: async (...call: Parameters<typeof backfill>) => {
      const pdus = await backfill(...call)
      const forged = pdus.map((pdu, index) => (index === 4 ? { ...pdu, origin_server_ts: 5 } : pdu))
      return [...forged, await pduOf(later), await pduOf(elsewhere), { nonsense: true }]
    },
  })
  t.true(await w.here.outbound.fetchHistory(w.roomId, 20))
  const { read } = w.here.core.context
  t.is((await read.events.byId(later))?.position, undefined)
  t.is(await read.events.byId(elsewhere), undefined)
  const room = await read.rooms.byId(w.roomId)
  const missing = await read.rooms.missingEvents(room?.nid ?? 0)
  t.is(missing.length, 1, 'what comes before the forged event is still missing')
  const range = { roomNid: room?.nid ?? 0, after: -Number.MAX_SAFE_INTEGER, upTo: 0, limit: 100 }
  t.is((await read.events.forwards(range)).length, 4)
  Object.assign(w.client, { backfill })
  t.deepEqual(bodies(await pageBack(w)), ['9', '8', '7', '6', '5', '4', '3', '2', '1', '0'])
})

test('without the state of the time nothing is stored', async t => {
  const w = await world(t)
  for (let n = 0; n < 40; n++) await w.say(`${n}`)
  await w.joinBob()
  Object.assign(w.client, {
    getStateIds: async (server: string) => {
      throw new FederationError('response', server, 'no', { status: 403, errcode: 'M_FORBIDDEN' })
    },
  })
  t.false(await w.here.outbound.fetchHistory(w.roomId, 20))
  t.deepEqual(bodies(await pageBack(w)), [])
})
