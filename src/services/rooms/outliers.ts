import { authorise } from '../../core/auth/authorise.ts'
import { checkAuthEvents } from '../../core/auth/check-auth-events.ts'
import { canonicalJson } from '../../core/canonical-json.ts'
import { type RoomEvent, stateMapKey } from '../../core/event/event.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext, RoomWriter } from './room-writer.ts'

/** Events that authorise others, judged; none of them stands in the timeline. */
export interface JudgedOutliers {
  /** Those that can be stored, each after its auth events. */
  readonly ordered: readonly RoomEvent[]
  /** Why some of these are rejected, by event ID. */
  readonly rejected: ReadonlyMap<string, string>
}

/** What is known of an event that authorises others. */
type Known = Pick<StoredEvent, 'event' | 'rejected'>

/** Events per slice: a few milliseconds of work, after which whatever waits gets its turn. */
const SLICE = 100

/**
 * Stores events of a room that are needed to judge others: its state at a gap, auth chains. Signatures and hashes have
 * been checked by the caller; here each is authorised by its auth events. What is known already stays as it is; events
 * of other rooms, and those whose auth events are neither here nor among the given, are left out.
 *
 * Throws `M_NOT_FOUND` for a room that is not known here.
 */
export const storeOutliers = async (
  writer: RoomWriter,
  roomId: string,
  events: readonly RoomEvent[],
): Promise<void> => {
  await writer.context.nids.ensure(events.length)
  await writer.update<void>(roomId, async head => {
    const { context } = writer
    const ids = new Set(events.flatMap(event => [event.eventId, ...event.authEvents]))
    const known = await context.read.events.byIds([...ids])
    const entry = head.entry('m.room.create', '')
    const [create] = entry === undefined ? [] : await context.read.events.byNids([entry.nid])
    const fresh = events.filter(event => !known.has(event.eventId))
    const judged = await judgeOutliers(fresh, { roomId, createEvent: create?.event, known })
    if (judged.ordered.length === 0) return { settled: undefined }
    const { statements, nids } = await outlierStatements(context, head, judged)
    return { statements, nids: [...nids.values()], result: () => undefined }
  })
}

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
    if (index > 0 && index % SLICE === 0) await new Promise(resolve => setImmediate(resolve))
    const auth = event.authEvents.flatMap(eventId => find(eventId) ?? [])
    if (auth.length < event.authEvents.length) continue
    judged.set(event.eventId, { event, rejected: reasonAgainst(event, auth, room.createEvent) })
  }
  const rejected = new Map<string, string>()
  for (const [eventId, { rejected: reason }] of judged)
    if (reason !== undefined) rejected.set(eventId, reason)
  return { ordered: [...judged.values()].map(({ event }) => event), rejected }
}

const reasonAgainst = (
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

/** Stores what is not here yet; answers the nids of all of them. */
export const outlierStatements = async (
  context: RoomsContext,
  head: RoomHead,
  { ordered, rejected }: JudgedOutliers,
): Promise<{ statements: WriteStatement[]; nids: Map<string, number> }> => {
  const nids = await context.read.events.nidsOf([
    ...new Set(ordered.flatMap(event => [event.eventId, ...event.authEvents])),
  ])
  const fresh = ordered.filter(event => !nids.has(event.eventId))
  for (const event of fresh) nids.set(event.eventId, context.nids.next())
  const rows = fresh.map(event => ({
    nid: nids.get(event.eventId) ?? 0,
    roomNid: head.room.nid,
    position: null,
    rejected: rejected.get(event.eventId),
    event,
    json: canonicalJson(event.pdu),
    authNids: event.authEvents.flatMap(eventId => nids.get(eventId) ?? []),
  }))
  for (const { nid, roomNid, rejected: reason, event } of rows) {
    const concluded = { position: undefined, softFailed: false, redactedBy: undefined }
    context.read.events.remember({ nid, roomNid, rejected: reason, event, ...concluded })
  }
  return { statements: rows.length === 0 ? [] : context.write.events.insert(rows), nids }
}
