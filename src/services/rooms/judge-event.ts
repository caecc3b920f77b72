import { authEventsFor } from '../../core/auth/auth-events.ts'
import { authorise } from '../../core/auth/authorise.ts'
import { checkAuthEvents } from '../../core/auth/check-auth-events.ts'
import { type RoomEvent, type StateLookup, stateMapKey, type Verdict } from '../../core/event/event.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { RoomHead } from './room-head.ts'
import { shownEvent } from './shown-event.ts'
import { entryIn, type StateOverlay } from './state-overlay.ts'

/** What was concluded about an event on its receipt. */
export interface Judgement {
  /** The state before it, where it does not extend exactly the head. */
  readonly before: StateOverlay | undefined
  readonly rejected: Verdict
  readonly softFailed: Verdict
  /** Auth events whose arrival, or acceptance, may change the verdict. */
  readonly awaits: readonly string[]
  /** The policy server that has not signed it, and was not asked yet. */
  readonly unrecommendedBy?: string
}

/** The room's create event, as its current state has it. */
export const createEventOf = async (read: RoomReaders, head: RoomHead): Promise<RoomEvent | undefined> => {
  const entry = head.entry('m.room.create', '')
  const [stored] = entry === undefined ? [] : await read.events.byNids([entry.nid])
  return stored && asRulesSee(stored)
}

/** Judges an event by its own auth events: the fourth of the checks on receipt (`receive.ts`). */
export const judgeByAuthEvents = (
  event: RoomEvent,
  known: ReadonlyMap<string, StoredEvent>,
  createEvent: RoomEvent | undefined,
): Verdict => {
  const missing = event.authEvents.find(eventId => !known.has(eventId))
  if (missing !== undefined) {
    return { rule: 'auth_events.missing', message: `The auth event ${missing} is not to be had.` }
  }
  const events = event.authEvents.flatMap(eventId => known.get(eventId) ?? []).map(asRulesSee)
  const isRejected = (eventId: string): boolean => known.get(eventId)?.rejected !== undefined
  return (
    checkAuthEvents(event, events, isRejected) ?? authorise(event, { state: lookupIn(events), createEvent })
  )
}

/** Judges an event by a state of its room: the fifth and the sixth of these checks. */
export const judgeByState = async (
  read: RoomReaders,
  head: RoomHead,
  event: RoomEvent,
  { state, createEvent }: { state: StateOverlay; createEvent: RoomEvent | undefined },
): Promise<Verdict> => {
  const nids = authEventsFor(event, head.version).flatMap(
    point => entryIn(head, state, stateMapKey(point.type, point.stateKey))?.nid ?? [],
  )
  const events = await read.events.byNids(nids)
  return authorise(event, { state: lookupIn(events.map(asRulesSee)), createEvent })
}

/**
 * Events are judged by others as redactions have left these: "the server must strip off any keys", of which some mean something
 * to the rules, such as `invite` of power levels before v11. So do the servers with which we must agree. Whoever is let do more
 * by that knew of the redaction; only the keys of third-party invites let people do less, and whoever has invited by these may
 * not have known of it yet.
 */
const asRulesSee = (stored: StoredEvent): RoomEvent =>
  stored.event.type === 'm.room.third_party_invite' ? stored.event : shownEvent(stored)

/** Some state events as the rules look them up. */
const lookupIn = (events: readonly RoomEvent[]): StateLookup => {
  const byKey = new Map(events.map(event => [stateMapKey(event.type, event.stateKey ?? ''), event] as const))
  return (type, stateKey) => byKey.get(stateMapKey(type, stateKey))
}

/** The rules know a create event by its form alone. A second one would be another room under the same ID. */
export const refuseSecondCreate = (
  { type, stateKey, eventId }: RoomEvent,
  createEvent: RoomEvent | undefined,
): Verdict => {
  if (type !== 'm.room.create' || stateKey !== '' || createEvent === undefined) return undefined
  if (createEvent.eventId === eventId) return undefined
  return { rule: 'create.second', message: 'The room has its create event already.' }
}
