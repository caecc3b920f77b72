import type { RoomEvent } from '../../core/event/event.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { StateDelta } from '../../storage/rooms/state-entry.ts'
import { authDifferenceOf } from './auth-walk.ts'
import { unknownBefore } from './known-events.ts'
import { stateOfAuth } from './partial-members.ts'
import type { ReceiveOptions } from './received.ts'
import { edgesOf, resolveStates } from './resolve.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'
import {
  overlayAfter,
  overlayOf,
  overlayOfEvents,
  overlayOfState,
  type StateOverlay,
} from './state-overlay.ts'

/** An event, what it refers to as far as that is stored, and what was found out about what is not. */
interface Referring {
  readonly event: RoomEvent
  readonly known: ReadonlyMap<string, StoredEvent>
  readonly options: ReceiveOptions
}

/**
 * "The room state before an event is the resolution of the states after its prev_events." Where some of these are missing, what a peer
 * tells of the state before the event stands for them, beside the states after the others: it can take nothing away of what is known
 * here, however it came about. Where nobody tells anything, the event's auth events are all that is known of what is missing.
 */
export const stateBeforeReceived = async (
  context: RoomsContext,
  head: RoomHead,
  referring: Referring,
): Promise<StateOverlay> => {
  const { event, known, options } = referring
  const authEvents = event.authEvents.flatMap(eventId => known.get(eventId) ?? [])
  const { gapStays, onCurrentState, stateBefore: told } = options
  if (told !== undefined) return besideTold(context, head, { ...referring, told })
  if (gapStays === true) return beyondGap(context, head, authEvents)
  if (onCurrentState === true && head.partial !== undefined) return overlayOf(head, stateOfAuth(authEvents))
  const prev = event.prevEvents.flatMap(eventId => known.get(eventId) ?? [])
  if (prev.length === 0) return overlayOfState(head, new Map())
  return resolveStates(context, head, await statesAfter(context, head, prev))
}

const statesAfter = (
  { read }: RoomsContext,
  head: RoomHead,
  events: readonly StoredEvent[],
): Promise<StateOverlay[]> => Promise.all(events.map(stored => overlayAfter(read, head, stored)))

const besideTold = async (
  context: RoomsContext,
  head: RoomHead,
  { event, known, told }: Referring & { readonly told: readonly string[] },
): Promise<StateOverlay> => {
  const state = overlayOfEvents(head, (await context.read.events.byIds(told)).values())
  const unknown = new Set(unknownBefore(event, head, known))
  const here = event.prevEvents.flatMap(eventId => (unknown.has(eventId) ? [] : (known.get(eventId) ?? [])))
  return resolveStates(context, head, [state, ...(await statesAfter(context, head, here))])
}

/**
 * The room's present state, but for what is not here of an event's auth events, and those by whom these were sent, who were members then,
 * whatever has become of them on other branches. What the present rests on itself is past: a state in which it held beside what came
 * later never was, and others would be judged by it.
 */
const beyondGap = async (
  context: RoomsContext,
  head: RoomHead,
  authEvents: readonly StoredEvent[],
): Promise<StateOverlay> => {
  const news: StoredEvent[] = []
  for (const stored of authEvents) {
    if (stored.rejected === undefined && !(await restsOn(context, head, stored))) news.push(stored)
  }
  return overlayOf(head, await sendersOf(context, news), stateOfAuth(news))
}

/** Whether what holds at the point of a state event is that event, or has it in its auth chain. */
const restsOn = async (
  context: RoomsContext,
  head: RoomHead,
  { event, nid, generation }: StoredEvent,
): Promise<boolean> => {
  const entry = head.entry(event.type, event.stateKey ?? '')
  if (entry === undefined || entry.nid === nid) return entry !== undefined
  const node = (await context.read.authGraph.nodes([entry.eventId])).get(entry.eventId)
  if (node === undefined) return false
  const edges = edgesOf(context, head.room.nid)
  const difference = await authDifferenceOf(edges, [[node], [{ nid, generation }]], () => [])
  return !difference.has(nid)
}

const sendersOf = async ({ read }: RoomsContext, news: readonly StoredEvent[]): Promise<StateDelta[]> => {
  const behind = await read.events.byIds(news.flatMap(({ event }) => event.authEvents))
  const senders = news.flatMap(({ event: { sender, authEvents } }) =>
    authEvents.flatMap(eventId => {
      const stored = behind.get(eventId)
      return stored?.event.type === 'm.room.member' && stored.event.stateKey === sender ? stored : []
    }),
  )
  return stateOfAuth(senders)
}
