import test, { type ExecutionContext } from 'ava'
import { silentLog } from '../../../../core/log.ts'
import type { CallOptions } from '../../../../network/federation/requester.ts'
import { eventually } from '../../../../test-kit/eventually.ts'
import { verifierOf } from '../../../../test-kit/outbound.ts'
import { bodies, historyWorld, pageBack } from '../../../../test-kit/remote-history.ts'
import { HistoryFetcher } from './fetch-history.ts'

/** Servers of a room that can be asked for its history, each of which answers as it is told; what they know is that of `there.test`. */
const manyServers = async (t: ExecutionContext, names: readonly string[]) => {
  const w = await historyWorld(t)
  for (let n = 0; n < 30; n++) await w.say(`${n}`)
  await w.joinBob()
  const { backfill, getStateIds, getState, getEvent } = w.client
  const there = 'there.test'
  const asked: string[] = []
  const askedForState: string[] = []
  const answers = new Map(names.map(name => [name, Promise.withResolvers<void>()]))
  const givenUp = new Set<string>()
  Object.assign(w.client, {
    backfill: async (server: string, ask: Parameters<typeof backfill>[1], options?: CallOptions) => {
      asked.push(server)
      options?.signal?.addEventListener('abort', () => givenUp.add(server))
      await answers.get(server)?.promise
      return backfill(there, ask)
    },
    getStateIds: (server: string, ask: Parameters<typeof getStateIds>[1]) => {
      askedForState.push(server)
      return getStateIds(there, ask)
    },
    getState: (_: string, ask: Parameters<typeof getState>[1]) => getState(there, ask),
    getEvent: (_: string, eventId: string) => getEvent(there, eventId),
  })
  const fetcher = new HistoryFetcher({
    ...{ core: w.here.core, federation: w.client, clock: w.here.clock, log: silentLog },
    verifyEvents: verifierOf(new Map([[there, w.there.core.signingKey.publicKey]])),
    permits: () => true,
  })
  Object.assign(fetcher, { servers: async () => names })
  const isAsked = (server: string) => eventually(`${server} is asked`, () => asked.includes(server))
  const answer = (...servers: string[]) => {
    for (const server of servers) answers.get(server)?.resolve()
  }
  const { read } = w.here.core.context
  const stored = async () => {
    const roomNid = (await read.rooms.byId(w.roomId))?.nid ?? 0
    const past = await read.events.forwards({ roomNid, after: -1e9, upTo: 0, limit: 1_000 })
    return past.map(({ event }) => event.eventId)
  }
  return { w, fetcher, asked, askedForState, givenUp, isAsked, answer, stored }
}

test('beside a server that does not answer soon the next is asked, three at a time, and all are given up once one has given', async t => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const { w, fetcher, ...servers } = await manyServers(t, names)
  const { clock } = w.here
  const fetched = fetcher.fetch(w.roomId, 20)
  await servers.isAsked('a')
  await clock.advance(3_999)
  t.deepEqual(servers.asked, ['a'])
  await clock.advance(1)
  await servers.isAsked('b')
  await clock.advance(4_000)
  await servers.isAsked('c')
  await clock.advance(20_000)
  t.deepEqual(servers.asked, ['a', 'b', 'c'])
  t.deepEqual([...servers.givenUp], [])
  servers.answer('b')
  t.true(await fetched)
  t.deepEqual([...servers.givenUp].sort(), ['a', 'b', 'c'])
  const stored = await servers.stored()
  t.true(stored.length >= 20)

  // What is answered after all is not taken any more.
  servers.answer('a', 'c')
  const again = fetcher.fetch(w.roomId, 20)
  t.true(await again)
  t.deepEqual(servers.asked.slice(3), ['b'], 'who has given something is asked first')
  t.deepEqual(servers.askedForState, ['b'])
  const all = await servers.stored()
  t.is(new Set(all).size, all.length)
  t.deepEqual(all.slice(-stored.length), stored)
})

test('what two servers give at the same time is stored once', async t => {
  const { w, fetcher, ...servers } = await manyServers(t, ['a', 'b'])
  const fetched = fetcher.fetch(w.roomId, 20)
  await servers.isAsked('a')
  await w.here.clock.advance(4_000)
  await servers.isAsked('b')
  servers.answer('a', 'b')
  t.true(await fetched)
  const stored = await servers.stored()
  t.is(new Set(stored).size, stored.length)
  const room = await w.here.core.context.read.rooms.byId(w.roomId)
  t.is((await w.here.core.context.read.rooms.missingEvents(room?.nid ?? 0)).length, 1)
  while (await fetcher.fetch(w.roomId, 20));
  t.deepEqual(
    bodies(await pageBack(w)),
    [...Array(30).keys()].toReversed().map(n => `${n}`),
  )
})
