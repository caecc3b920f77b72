import test from 'ava'
import { silentLog } from '../../../../core/log.ts'
import { type FederationClient, FederationError } from '../../../../network/federation-client.ts'
import { verifierOf } from '../../../../test-kit/outbound.ts'
import { ALICE, ANY, BOB, bodies, historyWorld, pageBack } from '../../../../test-kit/remote-history.ts'
import { newRoom, requesterOf } from '../../../../test-kit/rooms.ts'
import { HistoryFetcher } from './fetch-history.ts'

test('where nobody can be asked, what is older can be asked for later', async t => {
  const w = await historyWorld(t)
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

test('servers are asked one after another, once for all who wait, and not again at once', async t => {
  const w = await historyWorld(t)
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
  const w = await historyWorld(t)
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
  const w = await historyWorld(t)
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

test('where the first servers of a room are gone, others are asked the next time', async t => {
  const w = await historyWorld(t)
  for (let n = 0; n < 60; n++) await w.say(`${n}`)
  await w.joinBob()
  const [there, late] = ['there.test', 'late.test']
  const gone = Array.from({ length: 7 }, (_, n) => `gone${n}.test`)
  const { backfill, getStateIds, getState, getEvent } = w.client
  const asked: string[] = []
  // The other server under another name, which is the last to be asked.
  Object.assign(w.client, {
    backfill: async (server: string, ...ask: [Parameters<typeof backfill>[1]]) => {
      asked.push(server)
      if (server !== late) throw new FederationError('unreachable', server, 'down')
      return backfill(there, ...ask)
    },
    getStateIds: (_: string, ask: Parameters<typeof getStateIds>[1]) => getStateIds(there, ask),
    getState: (_: string, ask: Parameters<typeof getState>[1]) => getState(there, ask),
    getEvent: (_: string, eventId: string) => getEvent(there, eventId),
  })
  const fetcher = new HistoryFetcher({
    ...{ core: w.here.core, federation: w.client, clock: w.here.clock, log: silentLog },
    verifyEvents: verifierOf(new Map([[there, w.there.core.signingKey.publicKey]])),
    permits: () => true,
  })
  Object.assign(fetcher, { servers: async () => [...gone, late] })
  t.false(await fetcher.fetch(w.roomId, 2))
  t.deepEqual(asked.splice(0), gone.slice(0, 5))
  await w.here.clock.advance(60_001)
  t.true(await fetcher.fetch(w.roomId, 2))
  t.deepEqual(asked.splice(0), [...gone.slice(5), late])
  t.true(await fetcher.fetch(w.roomId, 2))
  t.deepEqual(asked, [late], 'whoever reads on waits for nobody who is gone')
})

test('who could not be heard is asked a minute after the last time once they are there again, and nobody else is', async t => {
  const w = await historyWorld(t)
  for (let n = 0; n < 30; n++) await w.say(`${n}`)
  await w.joinBob()
  const { backfill } = w.client
  let failure = new FederationError('unreachable', 'there.test', 'down')
  let asked = 0
  Object.assign(w.client, {
    backfill: async () => {
      asked += 1
      throw failure
    },
  })
  const fetch = () => w.here.outbound.fetchHistory(w.roomId, 20)
  const failFor = async (minutes: number) => {
    t.false(await fetch())
    await w.here.clock.advance(minutes * 60_000 - 1)
    t.false(await fetch())
    await w.here.clock.advance(2)
  }
  for (const minutes of [1, 2, 4]) await failFor(minutes)
  t.is(asked, 3)
  t.false(await fetch())
  w.here.outbound.resetBackoff('there.test')
  await w.here.clock.advance(59_000)
  t.false(await fetch())
  t.is(asked, 4, 'a server that only talks to us is not asked with each of its requests')
  await w.here.clock.advance(1_001)
  t.false(await fetch())
  t.is(asked, 5)
  await w.here.core.context.processes.bulletin.post('heard of', 'there.test')
  await w.here.clock.advance(60_001)
  failure = new FederationError('response', 'there.test', 'no', { status: 403, errcode: 'M_FORBIDDEN' })
  t.false(await fetch())
  t.is(asked, 6, 'whichever process has heard of it')
  w.here.outbound.resetBackoff('there.test')
  await w.here.clock.advance(60_001)
  Object.assign(w.client, { backfill })
  t.false(await fetch(), 'it has answered, and has nothing')
  await w.here.clock.advance(31 * 60_000)
  t.true(await fetch())
})
