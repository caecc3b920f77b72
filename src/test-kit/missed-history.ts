/** Rooms of which a server has missed something, and how they are read. */
import type { ExecutionContext } from 'ava'
import type { RoomEvent } from '../core/event/event.ts'
import { roomEventFilter } from '../core/filter.ts'
import type { JsonObject } from '../core/json.ts'
import { stateAfter } from '../services/rooms/state-at.ts'
import { ALICE, BOB, type Pair, sharedRoom } from './federated-pair.ts'
import { say, setState, type WorldServer } from './federation-world.ts'
import { requesterOf } from './rooms.ts'

const ANY = roomEventFilter(undefined)

/** What a.test does not tell b.test, by its paths. */
export const silence = ({ world }: Pair, paths: RegExp | undefined): void => {
  world.intercept = ({ to, path }) =>
    paths !== undefined && to === 'a.test' && paths.test(path)
      ? { status: 500, json: { errcode: 'M_UNKNOWN' } }
      : undefined
}
export const ALL_HISTORY = /get_missing_events|backfill/

interface PageOf {
  readonly direction: 'b' | 'f'
  readonly from?: string | undefined
  readonly limit?: number
  /** Bob, if nobody else. */
  readonly userId?: string
}

/** A page of somebody's. */
export const page = async ({ rooms }: WorldServer, roomId: string, { userId = BOB, ...request }: PageOf) => {
  const { chunk, ...ends } = await rooms.roomHistory.messages(requesterOf(userId), roomId, {
    ...request,
    filter: ANY,
  })
  return { ...ends, events: chunk.map(text => JSON.parse(text) as JsonObject) }
}

/** All that Bob gets by paging from a token to the end. */
export const pages = async (server: WorldServer, roomId: string, request: PageOf): Promise<JsonObject[]> => {
  const events: JsonObject[] = []
  for (let from = request.from, count = 0; count < 100; count++) {
    const answer = await page(server, roomId, { limit: 10, ...request, from })
    events.push(...answer.events)
    if (answer.end === undefined || (request.direction === 'f' && answer.events.length === 0)) return events
    from = answer.end
  }
  throw new Error('there is no end')
}

export const bodies = (events: readonly { readonly content?: unknown }[]): unknown[] =>
  events.flatMap(({ content }) => (content as JsonObject)['body'] ?? [])

export const idsIn = (events: readonly JsonObject[]): unknown[] => events.map(event => event['event_id'])

/** The IDs of a server's timeline, oldest first. */
export const timelineOf = async ({ core }: WorldServer, roomId: string): Promise<string[]> => {
  const { events, rooms } = core.context.read
  const room = await rooms.byId(roomId)
  const all = await events.forwards({ roomNid: room?.nid ?? 0, after: -1e9, upTo: 1e9, limit: 1_000 })
  return all.map(({ event }) => event.eventId)
}

/** Holds b's timeline against the newest part of that on a. */
export const assertSameTimeline = async (
  t: ExecutionContext,
  { a, b }: Pair,
  roomId: string,
): Promise<void> => {
  const here = await timelineOf(b, roomId)
  t.deepEqual(here, (await timelineOf(a, roomId)).slice(-here.length))
}

/** Holds the state after each event of b's timeline against that on a, where all of them were made. */
export const assertSameStates = async (t: ExecutionContext, { a, b }: Pair, roomId: string) => {
  const { read } = b.core.context
  for (const eventId of await timelineOf(b, roomId)) {
    const [here, there] = [await read.events.byId(eventId), await a.core.context.read.events.byId(eventId)]
    if (here === undefined || there === undefined) throw new Error('not everywhere')
    const ids = (state: ReadonlyMap<string, { eventId: string }>) =>
      [...state.values()].map(one => one.eventId).sort()
    const expected = ids(await stateAfter(a.core.context.read, there))
    t.deepEqual(ids(await stateAfter(read, here)), expected, `after ${there.event.type}`)
  }
}

/** Bob's room, of whose middle his server has nothing. */
export const scene = async (
  p: Pair,
  missing: number,
  meanwhile: (roomId: string) => Promise<unknown> = async () => undefined,
) => {
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const tell = async (body: string) => world.send(a, b, [await say(a, ALICE, roomId, body)])
  await tell('before')
  await meanwhile(roomId)
  const lost = await lose(p, roomId, missing)
  silence(p, ALL_HISTORY)
  await tell('after')
  await tell('last')
  return { roomId, lost, tell }
}

/** Alice says what Bob's server does not hear, and changes state. */
export const lose = async ({ a }: Pair, roomId: string, count: number, what = 'lost'): Promise<string[]> => {
  const lost: string[] = []
  for (let n = 0; n < count; n++) {
    const name = `${what} ${n}`
    if (n % 5 === 1) await setState(a, ALICE, roomId, { type: 'm.room.topic', content: { topic: name } })
    if (n === 3)
      await setState(a, ALICE, roomId, { type: 'org.example.note', stateKey: what, content: { n } })
    lost.push(name)
    await say(a, ALICE, roomId, name)
  }
  return lost
}

export const gapsOf = async ({ core }: WorldServer, roomId: string) => {
  const { rooms, gaps } = core.context.read
  return gaps.ofRoom((await rooms.byId(roomId))?.nid ?? 0)
}

/** Says something on a branch that begins after some events; answers its events, oldest first. */
export const branch = async (
  { a }: Pair,
  roomId: string,
  { after, bodies: said }: { after: readonly RoomEvent[]; bodies: readonly string[] },
): Promise<RoomEvent[]> => {
  const head = await a.core.writer.head(roomId)
  const stored = await a.core.context.read.events.byIds(after.map(({ eventId }) => eventId))
  head?.setExtremities([...stored.values()].map(({ nid, event }) => ({ nid, ...event })))
  const events: RoomEvent[] = []
  for (const body of said) events.push(await say(a, ALICE, roomId, body))
  return events
}

export const upTo = (count: number, what: string): string[] =>
  Array.from({ length: count }, (_, n) => `${what} ${n}`)
