import type { RoomEvent } from '../../../../core/event/event.ts'
import { serverNameOf } from '../../../../core/ids.ts'
import type { JsonObject } from '../../../../core/json.ts'
import type { RoomVersion } from '../../../../core/room-versions.ts'
import { storeOutliers } from '../../../rooms/outliers.ts'
import type { PartialTask } from '../../../rooms/partial-task.ts'
import type { RoomHead } from '../../../rooms/room-head.ts'
import { Slots } from '../../slots.ts'
import type { OutboundContext } from '../context.ts'

/** Events that are verified in one go: enough to keep the threads busy. */
const VERIFIED_AT_ONCE = 500
/** Events that are stored in one commit. */
const CHUNK = 250
/** IDs that are looked up in one go. */
const IDS = 2_000
/** Where more is missing than this, the whole state is fetched in one request. */
const MAX_SINGLE_FETCHES = 60
const AT_ONCE = 8

/** What a server tells of a room contradicts what it has to be. */
export class BadState extends Error {
  override readonly name = 'BadState'
}

/** The state of which it is told: before this event. */
export interface StatePlace {
  readonly roomId: string
  readonly eventId: string
  readonly version: RoomVersion
  /** The create event, which is known. */
  readonly createEventId: string
}

/** Just before a join by which a room was entered without its members. */
export const placeOf = ({ roomId, joinEventId }: PartialTask, head: RoomHead): StatePlace => ({
  roomId,
  eventId: joinEventId,
  version: head.version,
  createEventId: head.entry('m.room.create', '')?.eventId ?? '',
})

type Progress = (what: string, done: number, of: number) => void

/** The state before an event, as far as a server gives it. */
export interface FullState {
  readonly stateIds: string[]
  /** The servers of what was given and could not be verified, and so is left out. */
  readonly unverified: ReadonlySet<string>
}

/**
 * Makes sure that a room's whole state before an event is stored, as far as a server gives it: what is missing of it and
 * of what authorises it is fetched, verified by threads and stored in chunks. Answers the event IDs of that state.
 * What was stored by an attempt that failed half-way is not fetched again where little is missing.
 *
 * Throws `FederationError`; `BadState` where it is none of this room, or most of what was announced is not given.
 */
export const storeFullState = async (
  context: OutboundContext,
  server: string,
  place: StatePlace,
  options: {
    readonly signal: AbortSignal
    readonly onProgress: Progress
    readonly onMissing?: ((events: number) => void) | undefined
  },
): Promise<FullState> => {
  const { federation } = context
  const { signal, onProgress } = options
  const { roomId, eventId, createEventId } = place
  const { stateIds, authChainIds } = await federation.getStateIds(server, { roomId, eventId }, { signal })
  if (!stateIds.includes(createEventId)) throw new BadState('the state is none of this room')
  const missing = await missingOf(context, [...new Set([...stateIds, ...authChainIds])])
  options.onMissing?.(missing.size)
  if (missing.size === 0) return { stateIds, unverified: new Set() }
  const fetch = missing.size > MAX_SINGLE_FETCHES ? whole : oneByOne
  const { events, given, unverified } = await verified(
    context,
    place,
    await fetch(context, server, place, { eventIds: missing, signal }),
    { wanted: missing, onProgress },
  )
  if (given < missing.size / 2) throw new BadState(`of ${missing.size} events only ${given} were given`)
  await storeEvents(context, roomId, events, onProgress)
  return { stateIds, unverified }
}

/** Stores events that are verified, in chunks, each after what authorises it. Takes them out of the list. */
export const storeEvents = async (
  { core }: OutboundContext,
  roomId: string,
  events: RoomEvent[],
  onProgress: Progress,
): Promise<void> => {
  const all = events.length
  // What authorises an event is always less deep, unless somebody lies: then it is left out.
  events.sort((a, b) => b.depth - a.depth)
  while (events.length > 0) {
    await storeOutliers(core.writer, roomId, events.splice(-CHUNK).reverse())
    onProgress('storing', all - events.length, all)
  }
}

const missingOf = async ({ core }: OutboundContext, eventIds: readonly string[]): Promise<Set<string>> => {
  const missing = new Set<string>()
  for (let start = 0; start < eventIds.length; start += IDS) {
    const some = eventIds.slice(start, start + IDS)
    const known = await core.context.read.authGraph.nodes(some)
    for (const eventId of some) if (!known.has(eventId)) missing.add(eventId)
  }
  return missing
}

interface Fetch {
  readonly eventIds: ReadonlySet<string>
  readonly signal: AbortSignal
}

const whole = async (
  { federation }: OutboundContext,
  server: string,
  { roomId, eventId }: StatePlace,
  { signal }: Fetch,
): Promise<JsonObject[]> => {
  const { state, authChain } = await federation.getState(server, { roomId, eventId }, { signal })
  return [...authChain, ...state]
}

/** Where one of them cannot be had alone, all are fetched: a member that is left out stays unknown for good. */
const oneByOne = async (
  context: OutboundContext,
  server: string,
  place: StatePlace,
  fetch: Fetch,
): Promise<JsonObject[]> => {
  const { eventIds, signal } = fetch
  const slots = new Slots(AT_ONCE)
  const one = (eventId: string): Promise<JsonObject | undefined> =>
    slots.run(() => context.federation.getEvent(server, eventId, { signal })).catch(() => undefined)
  const given = (await Promise.all([...eventIds].map(one))).filter(pdu => pdu !== undefined)
  return given.length === eventIds.size ? given : [...given, ...(await whole(context, server, place, fetch))]
}

/** Those of the events that were asked for and can be stored; `given` counts also those that nobody vouches for. */
const verified = async (
  { verifyEvents, log }: OutboundContext,
  { roomId, version }: StatePlace,
  pdus: JsonObject[],
  options: { readonly wanted: ReadonlySet<string>; readonly onProgress: Progress },
): Promise<{ events: RoomEvent[]; given: number; unverified: Set<string> }> => {
  const events = new Map<string, RoomEvent>()
  const given = new Set<string>()
  const unverified = new Set<string>()
  const { wanted, onProgress } = options
  const all = pdus.length
  // Taken out, so that memory is given back on the way.
  while (pdus.length > 0) {
    const some = pdus.splice(-VERIFIED_AT_ONCE)
    for (const [index, one] of (await verifyEvents(some, version)).entries()) {
      const eventId = 'event' in one ? one.event.eventId : one.eventId
      if (eventId === undefined || !wanted.has(eventId)) continue
      given.add(eventId)
      if ('event' in one) {
        events.set(eventId, one.event)
        continue
      }
      log.debug({ room: roomId, event: eventId, reason: one.refusal }, 'state: event dropped')
      unverified.add(serverNameOf(String(some[index]?.['sender'])))
    }
    onProgress('verifying', all - pdus.length, all)
  }
  return { events: [...events.values()], given: given.size, unverified }
}
