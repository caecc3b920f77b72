import { authEventsFor } from '../core/auth/auth-events.ts'
import { authorise } from '../core/auth/authorise.ts'
import { checkAuthEvents } from '../core/auth/check-auth-events.ts'
import {
  type RoomEvent,
  type StateLookup,
  type StateMap,
  stateMapKey,
  type Verdict,
} from '../core/event/event.ts'
import { type JsonObject, ownMember } from '../core/json.ts'
import { type RoomVersion, roomVersion } from '../core/room-versions.ts'
import { resolveState } from '../core/state-resolution/resolve.ts'
import { type RoomLine, readRoomLine } from './room-lines.ts'

/** A public room of Alice's, from which most tests start. */
export const PUBLIC_ROOM = [
  'CREATE: alice create',
  'JA: alice join',
  'PL: alice power alice=100',
  'JR: alice rule public',
]

/** Finds a room version by its ID, or fails the test. */
export const knownVersion = (id: string): RoomVersion => {
  const version = roomVersion(id)
  if (version === undefined) throw new RangeError(`No room version ${id}`)
  return version
}

/**
 * Builds rooms in memory, a line an event (see `room-lines.ts`). Events are unsigned, and their IDs are their names, so
 * that a test reads like the graph it draws. The builder sees to auth events, depth, time, and the state after each
 * event; a line that breaks the rules throws unless it begins with `!`.
 */
export class RoomBuilder {
  readonly version: RoomVersion
  readonly #events = new Map<string, RoomEvent>()
  readonly #statesAfter = new Map<string, StateMap>()
  #last: RoomEvent | undefined
  #createId: string | undefined

  constructor(version: string | RoomVersion, lines: readonly string[] = []) {
    this.version = typeof version === 'string' ? knownVersion(version) : version
    this.add(...lines)
  }

  /** Adds events; answers the last. */
  add(...lines: readonly string[]): RoomEvent | undefined {
    for (const line of lines) this.#append(readRoomLine(line, this.version))
    return this.#last
  }

  /** The event of a name. */
  event(name: string): RoomEvent {
    const event = this.#events.get(this.idOf(name))
    if (event === undefined) throw new RangeError(`The room has no event ${name}`)
    return event
  }

  /** The event ID of a name: `$NAME`, with a domain in the versions whose IDs have one. */
  readonly idOf = (name: string): string =>
    this.version.format.eventId === 'given' ? `$${name}:alice.test` : `$${name}`

  /** The name within an event ID. */
  readonly nameOf = (eventId: string): string => /\w+/.exec(eventId)?.[0] ?? ''

  readonly load = (eventId: string): RoomEvent | undefined => this.#events.get(eventId)

  /** All events, in the order in which they were added. */
  get events(): RoomEvent[] {
    return [...this.#events.values()]
  }

  get roomId(): string {
    return this.version.format.roomIdIsCreateHash ? `!${(this.#createId ?? '').slice(1)}` : '!room:alice.test'
  }

  get createEvent(): RoomEvent | undefined {
    return this.#createId === undefined ? undefined : this.load(this.#createId)
  }

  /** The state after an event, or the one that the states after several resolve to. */
  stateAfter(...names: readonly string[]): StateMap {
    const states = names.map(name => this.#statesAfter.get(this.idOf(name)) ?? new Map<string, string>())
    return states.length === 1 && states[0] ? states[0] : resolveState(this.version, states, this.load).state
  }

  /** A state made of these events. */
  stateOf(...names: readonly string[]): StateMap {
    return new Map(
      names.map(name => {
        const { type, stateKey = '', eventId } = this.event(name)
        return [stateMapKey(type, stateKey), eventId]
      }),
    )
  }

  /** Reads events from a state. */
  lookup(state: StateMap): StateLookup {
    return (type, stateKey) => {
      const eventId = state.get(stateMapKey(type, stateKey))
      return eventId === undefined ? undefined : this.load(eventId)
    }
  }

  /** Adds an event if the rules allow it; answers whether they did. */
  addIfAllowed(line: string): boolean {
    const allowed =
      this.#refusal(this.draft(line), this.#before(readRoomLine(line, this.version))) === undefined
    if (allowed) this.add(line)
    return allowed
  }

  /** The event of a line, whether the rules allow it or not, without adding it. */
  draft(line: string): RoomEvent {
    const read = readRoomLine(line, this.version)
    return this.#makeEvent(read, this.#prevOf(read).map(this.idOf), this.#before(read))
  }

  #prevOf(line: RoomLine): readonly string[] {
    return line.prev ?? (this.#last ? [this.nameOf(this.#last.eventId)] : [])
  }

  #before(line: RoomLine): StateMap {
    const prev = this.#prevOf(line)
    return prev.length === 0 ? new Map() : this.stateAfter(...prev)
  }

  #append(line: RoomLine): void {
    const before = this.#before(line)
    const event = this.#makeEvent(line, this.#prevOf(line).map(this.idOf), before)
    if (!line.forged) this.#verify(event, before)
    this.#events.set(event.eventId, event)
    this.#last = event
    if (event.type === 'm.room.create') this.#createId ??= event.eventId
    const after = new Map(before)
    if (event.stateKey !== undefined) after.set(stateMapKey(event.type, event.stateKey), event.eventId)
    this.#statesAfter.set(event.eventId, after)
  }

  #makeEvent(line: RoomLine, prevEvents: readonly string[], before: StateMap): RoomEvent {
    const { type, sender, stateKey } = line
    const eventId = this.idOf(line.name)
    const isCreate = type === 'm.room.create' && this.version.format.roomIdIsCreateHash
    const roomId = isCreate ? `!${eventId.slice(1)}` : this.roomId
    const content = this.#withoutCreators(line)
    const authEvents =
      line.auth?.map(this.idOf) ??
      authEventsFor({ type, sender, stateKey, content }, this.version).flatMap(
        point => before.get(stateMapKey(point.type, point.stateKey)) ?? [],
      )
    const depth = 1 + Math.max(0, ...prevEvents.map(id => this.load(id)?.depth ?? 0))
    const originServerTs = line.originServerTs ?? 1_000 * (this.#events.size + 1)
    return {
      ...{ eventId, roomId, version: this.version, type, sender, stateKey, content },
      ...{ originServerTs, depth, prevEvents, authEvents },
      redacts: type === 'm.room.redaction' ? this.idOf(String(content['redacts'])) : undefined,
      pdu: { ...(isCreate ? {} : { room_id: roomId }), type, sender, content },
    }
  }

  /** Where creators stand above power levels (v12), `power` is read without them. */
  #withoutCreators({ verb, content }: RoomLine): JsonObject {
    const create = this.createEvent
    if (verb !== 'power' || !this.version.auth.privilegedCreators || create === undefined) return content
    const creators = [create.sender, ...((create.content['additional_creators'] ?? []) as string[])]
    const users = Object.entries((ownMember(content, 'users') ?? {}) as JsonObject)
    return { ...content, users: Object.fromEntries(users.filter(([user]) => !creators.includes(user))) }
  }

  #verify(event: RoomEvent, before: StateMap): void {
    const refusal = this.#refusal(event, before)
    if (refusal) throw new Error(`${event.eventId} is refused by ${refusal.rule}: ${refusal.message}`)
  }

  #refusal(event: RoomEvent, before: StateMap): Verdict {
    const authEvents = event.authEvents.flatMap(id => this.load(id) ?? [])
    return (
      checkAuthEvents(event, authEvents, () => false) ??
      authorise(event, { state: this.lookup(before), createEvent: this.createEvent })
    )
  }
}
