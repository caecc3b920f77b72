import { authorise } from '../../core/auth/authorise.ts'
import { checkAuthEvents } from '../../core/auth/check-auth-events.ts'
import { canonicalJsonAsRead } from '../../core/canonical-json.ts'
import { type RoomEvent, stateMapKey } from '../../core/event/event.ts'
import { generationAfter } from '../../core/state-resolution/auth-graph.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { AuthNode } from '../../storage/rooms/auth-graph.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { nextTurn } from '../next-turn.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'

/** Events that authorise others, judged; none of them stands in the timeline. */
export interface JudgedOutliers {
  /** Those that can be stored, each after its auth events. */
  readonly ordered: readonly RoomEvent[]
  /** Why some of these are rejected, by event ID. */
  readonly rejected: ReadonlyMap<string, string>
  /** The auth events that were themselves rejected, of those that are rejected for no other reason. */
  readonly awaits: ReadonlyMap<string, readonly string[]>
}

/** What is known of an event that authorises others. */
export type Known = Pick<StoredEvent, 'event' | 'rejected'>

/** Events per slice: a few milliseconds of work, after which whatever waits gets its turn. */
const SLICE = 100

/** Authorises each event by its own auth events: the rejected ones of these reject it, too. */
export const judgeOutliers = async (
  events: readonly RoomEvent[],
  room: {
    readonly roomId: string
    readonly createEvent: RoomEvent | undefined
    readonly known: ReadonlyMap<string, Known>
  },
): Promise<JudgedOutliers> => {
  const judged = new Map<string, Known>()
  const find = (eventId: string): Known | undefined => judged.get(eventId) ?? room.known.get(eventId)
  const ordered = inOrderOf(
    events.filter(event => event.roomId === room.roomId),
    event => event.authEvents,
  )
  for (const [index, event] of ordered.entries()) {
    if (index > 0 && index % SLICE === 0) await nextTurn()
    const auth = event.authEvents.flatMap(eventId => find(eventId) ?? [])
    if (auth.length < event.authEvents.length) continue
    judged.set(event.eventId, { event, rejected: reasonAgainst(event, auth, room.createEvent) })
  }
  const rejected = new Map<string, string>()
  const awaits = new Map<string, string[]>()
  for (const [eventId, { event, rejected: reason }] of judged) {
    if (reason === undefined) continue
    rejected.set(eventId, reason)
    awaits.set(
      eventId,
      event.authEvents.filter(authId => find(authId)?.rejected !== undefined),
    )
  }
  return { ordered: [...judged.values()].map(({ event }) => event), rejected, awaits }
}

/** Why an event's own auth events reject it. */
export const reasonAgainst = (
  event: RoomEvent,
  auth: readonly Known[],
  createEvent: RoomEvent | undefined,
): string | undefined => {
  const authEvents = auth.map(known => known.event)
  const rejectedIds = new Set(auth.filter(one => one.rejected !== undefined).map(one => one.event.eventId))
  const byKey = new Map(authEvents.map(one => [stateMapKey(one.type, one.stateKey ?? ''), one]))
  const state = (type: string, stateKey: string) => byKey.get(stateMapKey(type, stateKey))
  const refusal =
    checkAuthEvents(event, authEvents, eventId => rejectedIds.has(eventId)) ??
    authorise(event, { state, createEvent })
  return refusal?.message
}

/**
 * Each event once, after all of those that it refers to, as far as they are given (depth-first, without recursion).
 *
 * @param referencesOf its `authEvents`, or its `prevEvents`
 */
export const inOrderOf = (
  events: readonly RoomEvent[],
  referencesOf: (event: RoomEvent) => readonly string[],
): RoomEvent[] => {
  const byId = new Map(events.map(event => [event.eventId, event]))
  const ordered = new Map<string, RoomEvent>()
  const entered = new Set<string>()
  for (const root of byId.values()) {
    const stack = [root]
    for (let event = stack.at(-1); event !== undefined; event = stack.at(-1)) {
      const waiting = entered.has(event.eventId)
        ? []
        : referencesOf(event)
            .flatMap(eventId => byId.get(eventId) ?? [])
            .filter(referred => !entered.has(referred.eventId))
      entered.add(event.eventId)
      if (waiting.length > 0) {
        stack.push(...waiting)
        continue
      }
      stack.pop()
      ordered.set(event.eventId, event)
    }
  }
  return [...ordered.values()]
}

/** What is stored of outliers, and what they are called. */
export interface OutlierStatements {
  readonly statements: WriteStatement[]
  readonly nids: Map<string, number>
  /** The same with their generations, for what is stored after them. */
  readonly nodes: ReadonlyMap<string, AuthNode>
}

/**
 * Stores what is not here yet; answers the nids of all of them.
 *
 * @param here what is here of the events and of their auth events, for who has looked that up
 */
export const outlierStatements = async (
  context: RoomsContext,
  head: RoomHead,
  { ordered, rejected, awaits }: JudgedOutliers,
  here?: ReadonlyMap<string, AuthNode>,
): Promise<OutlierStatements> => {
  const ids = () => [...new Set(ordered.flatMap(event => [event.eventId, ...event.authEvents]))]
  const known = here ?? (await context.read.authGraph.nodes(ids()))
  const unlinked = []
  for (const event of ordered) {
    if (known.has(event.eventId)) continue
    if (unlinked.length > 0 && unlinked.length % SLICE === 0) await nextTurn()
    unlinked.push({
      nid: context.nids.next(),
      roomNid: head.room.nid,
      position: null,
      rejected: rejected.get(event.eventId),
      event,
      json: canonicalJsonAsRead(event.pdu),
    })
  }
  const rows = withAuth(unlinked, known)
  const nodes = new Map<string, AuthNode>(known)
  for (const { event, nid, generation } of rows) nodes.set(event.eventId, { nid, generation })
  const waiting = rows.flatMap(({ event, nid }) =>
    context.write.awaitingAuth.add(nid, awaits.get(event.eventId) ?? []),
  )
  return {
    statements: rows.length === 0 ? [] : [...context.write.events.insert(rows), ...waiting],
    nids: new Map([...nodes].map(([eventId, { nid }]) => [eventId, nid])),
    nodes,
  }
}

/** An event about to be stored. */
interface Unlinked {
  readonly nid: number
  readonly event: RoomEvent
}

/**
 * Links events to their auth events, which are stored or among the given, and finds their generations. What has no
 * auth events here is linked to none.
 */
export const authRows = async <T extends Unlinked>(
  read: RoomsContext['read'],
  rows: readonly T[],
): Promise<(T & { authNids: number[]; generation: number })[]> => {
  const ids = [...new Set(rows.flatMap(({ event }) => event.authEvents))]
  const byEvent = new Map(rows.map(row => [row.event, row] as const))
  const ordered = inOrderOf([...byEvent.keys()], event => event.authEvents)
  return withAuth(
    ordered.flatMap(event => byEvent.get(event) ?? []),
    await read.authGraph.nodes(ids),
  )
}

/** @param rows each after its auth events */
const withAuth = <T extends Unlinked>(
  rows: readonly T[],
  known: ReadonlyMap<string, AuthNode>,
): (T & { authNids: number[]; generation: number })[] => {
  const nodes = new Map(known)
  return rows.map(row => {
    const { event, nid } = row
    const auth = event.authEvents.flatMap(eventId => nodes.get(eventId) ?? [])
    const generation = generationAfter(auth)
    nodes.set(event.eventId, { nid, generation })
    return { ...row, authNids: auth.map(node => node.nid), generation }
  })
}
