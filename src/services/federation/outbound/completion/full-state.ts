import type { RoomEvent } from '../../../../core/event/event.ts'
import { serverNameOf } from '../../../../core/ids.ts'
import type { JsonObject } from '../../../../core/json.ts'
import type { RoomVersion } from '../../../../core/room-versions.ts'
import type { MemberEvent } from '../../../rooms/member-event.ts'
import { storeOutliers } from '../../../rooms/outliers.ts'
import type { PartialTask } from '../../../rooms/partial-task.ts'
import type { RoomHead } from '../../../rooms/room-head.ts'
import { Slots } from '../../slots.ts'
import type { OutboundContext } from '../context.ts'

/** Events that are verified in one go: enough to keep the threads busy, while as many are stored. */
const AT_A_TIME = 512
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
  /** The server that let us in: it is believed what it says of keys that nobody else tells. */
  readonly resident?: string | undefined
}

/** Just before a join by which a room was entered without its members. */
export const placeOf = (
  { roomId, joinEventId }: PartialTask,
  head: RoomHead,
  resident?: string,
): StatePlace => ({
  roomId,
  resident,
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
  /** Those of its members that were not here before, by event ID. */
  readonly learnt: ReadonlyMap<string, MemberEvent>
}

/**
 * Makes sure that a room's whole state before an event is stored, as far as a server gives it: what is missing of it and
 * of what authorises it is fetched, verified by threads and stored in chunks. Answers the event IDs of that state.
 * What was stored by an attempt that failed half-way is not fetched again where little is missing.
 *
 * Throws `FederationError`; `BadState` where it is none of this room, or most of what was announced is not given; what was
 * given is stored then all the same.
 */
export const storeFullState = async (
  context: OutboundContext,
  server: string,
  place: StatePlace,
  options: {
    readonly signal: AbortSignal
    readonly onProgress: Progress
    /** Told how many events are missing, as far as that is known. */
    readonly onMissing?: ((events: number) => void) | undefined
    /** Does what takes much memory when there is a place for it; at once, if not given. */
    readonly fill?: (<T>(work: () => Promise<T>) => Promise<T>) | undefined
  },
): Promise<FullState> => {
  const { federation } = context
  const { signal, onProgress, fill = work => work() } = options
  const { roomId, eventId, createEventId } = place
  const { stateIds, authChainIds } = await federation.getStateIds(server, { roomId, eventId }, { signal })
  if (!stateIds.includes(createEventId)) throw new BadState('the state is none of this room')
  const missing = await missingOf(context, [...new Set([...stateIds, ...authChainIds])], options.onMissing)
  if (missing.size === 0) return { stateIds, unverified: new Set(), learnt: new Map() }
  const fetch = missing.size > MAX_SINGLE_FETCHES ? whole : oneByOne
  const { given, unverified, learnt } = await fill(async () => {
    const pdus = await fetch(context, server, place, { eventIds: missing, signal })
    return storeGiven(context, place, pdus, { wanted: missing, onProgress })
  })
  if (given < missing.size / 2) throw new BadState(`of ${missing.size} events only ${given} were given`)
  return { stateIds, unverified, learnt }
}

/**
 * Stores events that are verified, in chunks, each after what authorises it, as far as that is less deep or comes first. Takes them out
 * of the list.
 *
 * @returns the member events among those that were stored and accepted, by event ID
 */
export const storeEvents = async (
  { core }: OutboundContext,
  roomId: string,
  events: RoomEvent[],
): Promise<Map<string, MemberEvent>> => {
  const learnt = new Map<string, MemberEvent>()
  events.sort((a, b) => a.depth - b.depth)
  while (events.length > 0) {
    const members = await storeOutliers(core.writer, roomId, events.splice(0, AT_A_TIME))
    for (const member of members) learnt.set(member.eventId, member)
  }
  return learnt
}

const missingOf = async (
  { core }: OutboundContext,
  eventIds: readonly string[],
  onMissing: ((events: number) => void) | undefined,
): Promise<Set<string>> => {
  const missing = new Set<string>()
  for (let start = 0; start < eventIds.length; start += IDS) {
    const some = eventIds.slice(start, start + IDS)
    const known = await core.context.read.authGraph.nodes(some)
    for (const eventId of some) if (!known.has(eventId)) missing.add(eventId)
    // Somebody may wait to hear whether that is much.
    onMissing?.(missing.size)
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

interface Given {
  /** How many events were given that had been asked for, those among them that nobody vouches for as well. */
  readonly given: number
  readonly unverified: ReadonlySet<string>
  readonly learnt: ReadonlyMap<string, MemberEvent>
}

/** Verifies events and stores those that were asked for, each after what authorises it. Takes them out of the list. */
const storeGiven = async (
  context: OutboundContext,
  { roomId, version, resident: vouchedBy }: StatePlace,
  pdus: JsonObject[],
  options: { readonly wanted: ReadonlySet<string>; readonly onProgress: Progress },
): Promise<Given> => {
  const { verifyEvents, log, core } = context
  const learnt = new Map<string, MemberEvent>()
  const given = new Set<string>()
  const unverified = new Set<string>()
  const { wanted, onProgress } = options
  const all = pdus.length
  // What authorises an event is less deep, unless both are as deep as can be: of these, it comes first.
  pdus.sort((a, b) => depthOf(a) - depthOf(b))
  let storing: Promise<void> = Promise.resolve()
  // Taken out, so that memory is given back on the way.
  while (pdus.length > 0) {
    const some = pdus.splice(0, AT_A_TIME)
    // These are verified while those before them are stored.
    const [verified] = await Promise.all([
      verifyEvents(some, version, { mayBeOld: true, vouchedBy }),
      storing,
    ])
    const events: RoomEvent[] = []
    for (const [index, one] of verified.entries()) {
      const eventId = 'event' in one ? one.event.eventId : one.eventId
      if (eventId === undefined || !wanted.has(eventId)) continue
      given.add(eventId)
      if ('event' in one) {
        events.push(one.event)
        continue
      }
      log.debug({ room: roomId, event: eventId, reason: one.refusal }, 'state: event dropped')
      unverified.add(serverNameOf(String(some[index]?.['sender'])))
    }
    const done = all - pdus.length
    storing = storeOutliers(core.writer, roomId, events).then(members => {
      for (const member of members) learnt.set(member.eventId, member)
      onProgress('storing', done, all)
    })
  }
  await storing
  return { given: given.size, unverified, learnt }
}

/** Of an event as it came: what has no depth is no event. */
const depthOf = ({ depth }: JsonObject): number => (typeof depth === 'number' ? depth : 0)
