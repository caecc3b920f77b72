import { authorise } from '../auth/authorise.ts'
import { type Refusal, type RoomEvent, stateMapKey } from '../event/event.ts'
import type { LoadEvent } from './auth-graph.ts'
import { authEventLookup, createEventOf } from './auth-lookup.ts'

export interface IterativeAuth {
  readonly load: LoadEvent
  /** Whether an event was rejected on receipt. */
  readonly isRejected: (eventId: string) => boolean
  /** Receives what the rules refused, event ID → reason. */
  readonly refused: Map<string, Refusal>
}

/**
 * The iterative auth checks algorithm (rooms/v2.md): "iterating through the event list and applying the state event to
 * the room state if it is allowed by the authorisation rules. If it is not allowed, the event is ignored."
 *
 * Rejected events in the list are judged like all others ("handled as usual by the algorithm").
 *
 * @param state changed in place: `stateMapKey` → event ID
 */
export const iterativeAuthChecks = (
  state: Map<string, string>,
  events: readonly RoomEvent[],
  checks: IterativeAuth,
): void => {
  const { load, isRejected, refused } = checks
  for (const event of events) {
    if (event.stateKey === undefined) continue
    // "If a key that is required for checking the rules is not present in the state, then the appropriate state event
    // from the event's auth_events is used if the auth event is not rejected."
    const own = authEventLookup(event, load, isRejected)
    const lookup = (type: string, stateKey: string): RoomEvent | undefined => {
      const eventId = state.get(stateMapKey(type, stateKey))
      return (eventId === undefined ? undefined : load(eventId)) ?? own(type, stateKey)
    }
    const refusal = authorise(event, { state: lookup, createEvent: impliedCreateEvent(event, checks) })
    if (refusal) refused.set(event.eventId, refusal)
    else state.set(stateMapKey(event.type, event.stateKey), event.eventId)
  }
}

/** Since v12 the create event follows from the room ID, and must have been accepted; before, it is in the state. */
const impliedCreateEvent = (event: RoomEvent, { load, isRejected }: IterativeAuth): RoomEvent | undefined => {
  const create = event.version.auth.createEventImplied ? createEventOf(event, load) : undefined
  return create === undefined || isRejected(create.eventId) ? undefined : create
}
