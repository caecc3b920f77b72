import type { Refusal, StateMap } from '../event/event.ts'

/** The answer of a resolution, with what is needed to tell how it came about. */
export interface Resolution {
  readonly state: StateMap
  /** The points in conflict: `stateMapKey` → the event IDs that the states hold there, in lexicographic order. */
  readonly conflicted: ReadonlyMap<string, readonly string[]>
  /** Events that the rules refused on the way. */
  readonly refused: ReadonlyMap<string, Refusal>
}

export interface ResolveOptions {
  /**
   * Whether an event was rejected on receipt. Such events are not used from auth events ("auth events aren't
   * re-authed"), but they may win a place in the state, where the rules allow them.
   */
  readonly isRejected?: (eventId: string) => boolean
  /** The auth difference of states (each a list of event IDs), for who keeps an index of auth chains. */
  readonly authDifference?: (stateSets: readonly (readonly string[])[]) => Iterable<string>
  /** The conflicted state subgraph (v2.1) of the conflicted state set, for the same. */
  readonly conflictedSubgraph?: (conflicted: ReadonlySet<string>) => Iterable<string>
  /**
   * The longest auth path below an event, for who stores it (one more than the greatest among the auth events, 0
   * without any). With it, walks end where the chains have met; without it, they go to the beginning of the room.
   */
  readonly generationOf?: (eventId: string) => number | undefined
}
