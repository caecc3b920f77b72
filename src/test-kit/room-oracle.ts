import { authorise } from '../core/auth/authorise.ts'
import { checkAuthEvents } from '../core/auth/check-auth-events.ts'
import { redactionAllowed } from '../core/auth/redaction-allowed.ts'
import { type RoomEvent, type StateLookup, type StateMap, stateMapKey } from '../core/event/event.ts'
import { resolveState } from '../core/state-resolution/resolve.ts'

/**
 * What is true of a room's events, worked out the plain way: every state in full, every auth chain to its end, from
 * nothing but the events. Servers that know all of a room must come to the same, in whatever order they learned it.
 */
export class RoomOracle {
  readonly #events: ReadonlyMap<string, RoomEvent>
  readonly #before = new Map<string, StateMap>()
  readonly #rejected = new Map<string, boolean>()

  /** @param events each after its `prev_events` and `auth_events` */
  constructor(events: Iterable<RoomEvent>) {
    this.#events = new Map([...events].map(event => [event.eventId, event]))
    for (const event of this.#events.values()) this.#judge(event)
  }

  readonly load = (eventId: string): RoomEvent | undefined => this.#events.get(eventId)

  isRejected = (eventId: string): boolean => this.#rejected.get(eventId) ?? true

  stateBefore(eventId: string): StateMap {
    return this.#before.get(eventId) ?? new Map()
  }

  stateAfter(eventId: string): StateMap {
    const event = this.load(eventId)
    const before = this.stateBefore(eventId)
    if (event?.stateKey === undefined || this.isRejected(eventId)) return before
    return new Map([...before, [stateMapKey(event.type, event.stateKey), eventId]])
  }

  /** The state in which several events leave the room. */
  stateAfterAll(eventIds: readonly string[]): StateMap {
    const [first] = eventIds
    const event = first === undefined ? undefined : this.load(first)
    if (event === undefined || first === undefined) return new Map()
    if (eventIds.length === 1) return this.stateAfter(first)
    const states = eventIds.map(eventId => this.stateAfter(eventId))
    return resolveState(event.version, states, this.load, { isRejected: this.isRejected }).state
  }

  /** Whether an accepted redaction reaches its target. */
  redacts(redaction: RoomEvent, target: RoomEvent): boolean {
    const state = this.#lookup(this.stateBefore(redaction.eventId))
    return (
      redactionAllowed(redaction, target, {
        create: state('m.room.create', ''),
        powerLevels: state('m.room.power_levels', ''),
        version: redaction.version,
      }) === undefined
    )
  }

  /** All events before an event, as far as `prev_events` lead. */
  ancestors(eventId: string): Set<string> {
    const found = new Set<string>()
    const pending = [...(this.load(eventId)?.prevEvents ?? [])]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (found.has(next)) continue
      found.add(next)
      pending.push(...(this.load(next)?.prevEvents ?? []))
    }
    return found
  }

  #judge(event: RoomEvent): void {
    const { eventId } = event
    const before = this.stateAfterAll(event.prevEvents)
    this.#before.set(eventId, before)
    const authEvents = event.authEvents.flatMap(id => this.load(id) ?? [])
    const own = new Map(authEvents.map(one => [stateMapKey(one.type, one.stateKey ?? ''), one]))
    const createEvent = [...this.#events.values()].find(one => one.type === 'm.room.create')
    const refusal =
      checkAuthEvents(event, authEvents, this.isRejected) ??
      authorise(event, { state: (type, stateKey) => own.get(stateMapKey(type, stateKey)), createEvent }) ??
      authorise(event, { state: this.#lookup(before), createEvent })
    this.#rejected.set(eventId, refusal !== undefined || authEvents.length < event.authEvents.length)
  }

  #lookup(state: StateMap): StateLookup {
    return (type, stateKey) => this.load(state.get(stateMapKey(type, stateKey)) ?? '')
  }
}
