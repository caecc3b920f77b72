import { type RoomEvent, stateMapKey, type Verdict } from '../event/event.ts'
import { authEventsFor } from './auth-events.ts'
import { refuse } from './refusal.ts'

/**
 * The rule "Considering the event's auth_events" (2, in v12 3) of every room version's authorisation rules. It needs
 * no state, only the events that `event.authEvents` names; whether all of them were found is the caller's question.
 *
 * @param authEvents the events that `event.authEvents` names, in any order
 * @param isRejected whether an event was itself rejected on receipt (soft failure is not rejection)
 */
export const checkAuthEvents = (
  event: RoomEvent,
  authEvents: readonly RoomEvent[],
  isRejected: (eventId: string) => boolean,
): Verdict => {
  // The create event has no auth events, and its own rule decides alone.
  if (event.type === 'm.room.create') return undefined
  if (new Set(event.authEvents).size !== event.authEvents.length) {
    return refuse('auth_events.duplicate', 'The event names one of its auth events twice.')
  }
  const selected = new Set(
    authEventsFor(event, event.version).map(point => stateMapKey(point.type, point.stateKey)),
  )
  const seen = new Set<string>()
  for (const authEvent of authEvents) {
    const verdict = checkEntry(event, authEvent, { selected, seen, isRejected })
    if (verdict) return verdict
  }
  // "If there is no m.room.create event among the entries, reject." Gone in v12.
  if (!event.version.auth.createEventImplied && !seen.has(stateMapKey('m.room.create', ''))) {
    return refuse('auth_events.no_create', 'The event does not name the create event among its auth events.')
  }
  return undefined
}

interface EntryChecks {
  readonly selected: ReadonlySet<string>
  readonly seen: Set<string>
  readonly isRejected: (eventId: string) => boolean
}

const checkEntry = (event: RoomEvent, authEvent: RoomEvent, checks: EntryChecks): Verdict => {
  const { type, stateKey, eventId } = authEvent
  const place = `${type} (${stateKey ?? 'not a state event'})`
  // "If there are entries whose type and state_key don't match those specified by the selection, reject."
  const key = stateKey === undefined ? undefined : stateMapKey(type, stateKey)
  if (key === undefined || !checks.selected.has(key)) {
    return refuse(
      'auth_events.not_selected',
      `The auth event ${eventId}, ${place}, has no say over this event.`,
    )
  }
  // "If there are duplicate entries for a given type and state_key pair, reject."
  if (checks.seen.has(key)) return refuse('auth_events.duplicate', `Two auth events stand for ${place}.`)
  checks.seen.add(key)
  // "If there are entries which were themselves rejected, reject."
  if (checks.isRejected(eventId)) {
    return refuse('auth_events.rejected', `The auth event ${eventId} was itself rejected.`)
  }
  // "If any event in auth_events has a room_id which does not match, reject."
  if (authEvent.roomId !== event.roomId) {
    return refuse('auth_events.other_room', `The auth event ${eventId} belongs to another room.`)
  }
  return undefined
}
