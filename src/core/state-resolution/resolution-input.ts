import { type RoomEvent, type StateMap, stateMapKey } from '../event/event.ts'
import { trustedEvent } from '../event/format.ts'
import type { JsonObject } from '../json.ts'
import { roomVersion } from '../room-versions.ts'
import { findResets, type Reset } from './resets.ts'
import { resolveState } from './resolve.ts'

/** A point of a state, and the ID of the event that it holds: `[type, state key, event ID]`. */
export type StateTriple = readonly [string, string, string]

/**
 * Everything that the outcome of a resolution follows from, as plain JSON: it travels to another thread, and into a
 * file that somebody else can replay. Of states and events it holds what the algorithm looks at.
 */
export interface ResolutionInput {
  readonly version: string
  readonly states: readonly (readonly StateTriple[])[]
  readonly events: readonly {
    readonly eventId: string
    readonly pdu: JsonObject
    readonly generation: number
    readonly rejected?: boolean
  }[]
  /** Found beforehand, since it takes the auth chains of whole states: event IDs. */
  readonly authDifference: readonly string[]
  /** Since v2.1; the same. */
  readonly conflictedSubgraph: readonly string[]
}

/** What became of it, as plain JSON. */
export interface ResolutionOutcome {
  readonly state: readonly StateTriple[]
  /** Events that the rules refused on the way: ID, rule, sentence. */
  readonly refused: readonly (readonly [string, string, string])[]
  readonly resets: readonly Reset[]
  /** Events that were looked for and are not among the given: the outcome is final only if these do not exist. */
  readonly missing: readonly string[]
}

/**
 * Resolves what stands in `input`. Pure.
 *
 * @param given the events of `input`, for who has them already
 * @throws {RangeError} on a room version that is not known.
 */
export const resolveInput = (
  input: ResolutionInput,
  given?: ReadonlyMap<string, RoomEvent>,
): ResolutionOutcome => {
  const version = roomVersion(input.version)
  if (version === undefined) throw new RangeError(`room version ${input.version} is not known`)
  const events =
    given ??
    new Map(input.events.map(({ eventId, pdu }) => [eventId, trustedEvent(pdu, eventId, version)] as const))
  const facts = new Map(input.events.map(one => [one.eventId, one] as const))
  const missing = new Set<string>()
  const load = (eventId: string): RoomEvent | undefined => {
    const event = events.get(eventId)
    if (event === undefined) missing.add(eventId)
    return event
  }
  const points = new Map<string, readonly [string, string]>()
  const states = input.states.map(triples => stateMap(triples, points))
  const { state, refused } = resolveState(version, states, load, {
    authDifference: () => input.authDifference,
    conflictedSubgraph: () => input.conflictedSubgraph,
    generationOf: eventId => facts.get(eventId)?.generation,
    isRejected: eventId => facts.get(eventId)?.rejected === true,
  })
  return {
    state: [...state].map(([key, eventId]) => [...pointOf(key, eventId, points, events), eventId] as const),
    refused: [...refused].map(([eventId, { rule, message }]) => [eventId, rule, message] as const),
    resets: findResets(states, state, eventId => events.get(eventId)),
    missing: [...missing],
  }
}

const stateMap = (
  triples: readonly StateTriple[],
  points: Map<string, readonly [string, string]>,
): StateMap => {
  const state = new Map<string, string>()
  for (const [type, stateKey, eventId] of triples) {
    const key = stateMapKey(type, stateKey)
    points.set(key, [type, stateKey])
    state.set(key, eventId)
  }
  return state
}

/** What comes up in a resolved state without standing in any of the states is an event that was given. */
const pointOf = (
  key: string,
  eventId: string,
  points: ReadonlyMap<string, readonly [string, string]>,
  events: ReadonlyMap<string, RoomEvent>,
): readonly [string, string] => {
  const event = events.get(eventId)
  return points.get(key) ?? [event?.type ?? '', event?.stateKey ?? '']
}
