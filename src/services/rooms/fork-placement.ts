import type { RoomEvent } from '../../core/event/event.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { AuthNode } from '../../storage/rooms/auth-graph.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { StateDelta } from '../../storage/rooms/state-entry.ts'
import { findEnds } from './known-events.ts'
import { resolveStates } from './resolve.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'
import { NO_DIFFERENCE, overlayAfter, overlayOf, type StateOverlay, withMembersOf } from './state-overlay.ts'

type Extremities = RoomHead['extremities']

/** Where an accepted event that does not extend exactly the head leaves the room. */
export interface ForkPlacement {
  readonly stateChanges: readonly StateDelta[]
  readonly extremities: () => Extremities
}

/** What makes an event a node of the graphs before it is stored. */
export interface Forked {
  readonly event: RoomEvent
  readonly nid: number
  readonly generation: number
  readonly authNodes: readonly AuthNode[]
  /** The state before it. */
  readonly before: StateOverlay
  /** Something accepted refers to it already: it fills a gap and is no end of the graph. */
  readonly fillsGap: boolean
}

/**
 * More ends than this are not let grow by others' events: dummy events keep rooms far below it, where anybody here may
 * send. An event beyond is stored and shown; its state comes in when an event refers to it.
 */
export const MAX_EXTREMITIES = 60

/** Refused events between an event and the ends that it covers are looked through as deep as this. */
const MAX_COVERED_DEPTH = 20
/** And so many of them: whoever is banned may make any number, and refer to them with each event anew. */
const MAX_COVERED = 200

/**
 * Finds the ends of the graph and the current state after an accepted event: "the current state of the room is the
 * resolution of the states after its forward extremities". The head must be that of the database.
 */
export const placeOnFork = async (
  context: RoomsContext,
  head: RoomHead,
  forked: Forked,
): Promise<ForkPlacement> => {
  const { event, nid, before, fillsGap } = forked
  const covered = await coveredBy(context, event.prevEvents)
  const others = head.extremities.filter(extremity => !covered.has(extremity.eventId))
  const grows = others.length === head.extremities.length
  if (grows && (fillsGap || head.extremities.length >= MAX_EXTREMITIES)) {
    return { stateChanges: [], extremities: () => head.extremities }
  }
  // One end alone is what the current state is after. Several have to be resolved anew with the new one, all at once.
  const own = fillsGap ? [] : [stateAfterOwn(head, forked, before)]
  const isHead = grows && others.length === 1 && !head.hasUnfinished
  const states = isHead ? [NO_DIFFERENCE] : await statesAfter(context, head, others, own)
  const { generation, authNodes: authEvents } = forked
  const after = await resolveStates(context, head, [...states, ...own], {
    nid,
    generation,
    event,
    authEvents,
  })
  const end = { nid, eventId: event.eventId, depth: event.depth }
  return {
    stateChanges: head.partial === undefined ? [...after.values()] : withoutOurs(context, head, after, nid),
    extremities: () => (fillsGap ? others : [end, ...others]),
  }
}

/** The state before an event that refers to only some of a room's ends. The head must be that of the database. */
export const stateAfterEnds = async (
  context: RoomsContext,
  head: RoomHead,
  ends: Extremities,
): Promise<StateOverlay> => resolveStates(context, head, await statesAfter(context, head, ends))

/**
 * Changes in a room that lacks members, without what they say of those of our users of whom it says nothing yet, unless the event itself
 * says it: they may have left in an earlier stay, and a branch that is older than that brings none of them back.
 */
const withoutOurs = (
  { serverName }: RoomsContext,
  head: RoomHead,
  changes: StateOverlay,
  eventNid: number,
): StateDelta[] =>
  [...changes.values()].filter(
    ({ type, stateKey, nid }) =>
      type !== 'm.room.member' ||
      nid === eventNid ||
      serverNameOf(stateKey) !== serverName ||
      head.entry(type, stateKey) !== undefined,
  )

/** The state of the room if one more state stood beside those after its ends. The head must be that of the database. */
export const stateBeside = async (
  context: RoomsContext,
  head: RoomHead,
  state: StateOverlay,
): Promise<StateOverlay> =>
  resolveStates(context, head, [...(await statesAfter(context, head, head.extremities, [state])), state])

const stateAfterOwn = (
  head: RoomHead,
  { event, nid, generation }: Forked,
  before: StateOverlay,
): StateOverlay => {
  const { type, stateKey, eventId } = event
  return stateKey === undefined
    ? before
    : overlayOf(head, before.values(), [{ type, stateKey, nid, eventId, generation }])
}

/**
 * The states after ends. What one of them lacks of members, as it is of a stay that ended before they were known, is taken from
 * one that does not, or from what stands `beside`: it would be in conflict with all others else.
 */
const statesAfter = async (
  context: RoomsContext,
  head: RoomHead,
  extremities: Extremities,
  beside: readonly StateOverlay[] = [],
): Promise<StateOverlay[]> => {
  const events = await findEnds(context, extremities)
  const states = await Promise.all(events.map(stored => overlayAfter(context.read, head, stored)))
  const lacks = events.map(stored => head.lacksMembersBefore(stored))
  const whole = states.find((_, index) => lacks[index] === false) ?? beside[0]
  if (whole === undefined) return states
  return states.map((state, index) => (lacks[index] === true ? withMembersOf(head, state, whole) : state))
}

/**
 * What an event refers to through refused events and is not here: when it comes, it fills a gap like any other, and is no
 * end of the graph.
 *
 * @param known its `prev_events`, as far as they are stored
 */
export const missingBehind = async (
  context: RoomsContext,
  event: RoomEvent,
  known: ReadonlyMap<string, StoredEvent>,
): Promise<string[]> => {
  if (!event.prevEvents.some(eventId => isRefused(known.get(eventId)))) return []
  const behind = [...(await coveredBy(context, event.prevEvents))].filter(
    eventId => !event.prevEvents.includes(eventId),
  )
  const stored = await context.read.events.byIds(behind)
  return behind.filter(eventId => stored.get(eventId)?.position === undefined)
}

const isRefused = (stored: StoredEvent | undefined): boolean =>
  stored !== undefined && (stored.rejected !== undefined || stored.softFailed)

/** What events cover that refer to these, also through events that were rejected or soft-failed: those are never ends themselves. */
export const coveredBy = async (
  { read }: Pick<RoomsContext, 'read'>,
  prevEvents: readonly string[],
): Promise<Set<string>> => {
  const covered = new Set<string>()
  let wave = new Set(prevEvents)
  for (let depth = 0; depth < MAX_COVERED_DEPTH && wave.size > 0; depth++) {
    for (const eventId of wave) covered.add(eventId)
    const refused = [...(await read.events.byIds([...wave])).values()].filter(isRefused)
    const behind = new Set(refused.flatMap(one => one.event.prevEvents)).difference(covered)
    wave = new Set([...behind].slice(0, Math.max(0, MAX_COVERED - covered.size)))
  }
  return covered
}
