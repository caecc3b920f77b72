import { authEventsFor } from '../../core/auth/auth-events.ts'
import { type RoomEvent, stateMapKey } from '../../core/event/event.ts'
import type {
  ResolutionInput,
  ResolutionOutcome,
  StateTriple,
} from '../../core/state-resolution/resolution-input.ts'
import { parseStateMapKey } from '../../core/state-resolution/state-key.ts'
import type { AuthNode } from '../../storage/rooms/auth-graph.ts'
import type { StateDelta, StateEntry } from '../../storage/rooms/state-entry.ts'
import { AuthEdges, authDifferenceOf, subgraphOf } from './auth-walk.ts'
import { ResolutionEvents } from './resolution-events.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'
import { entryIn, NO_DIFFERENCE, overlayOf, type StateOverlay, sameOverlay } from './state-overlay.ts'

/** An event that takes part before it is stored. */
export interface PendingEvent {
  readonly nid: number
  readonly generation: number
  readonly event: RoomEvent
  readonly authEvents: readonly AuthNode[]
}

/**
 * Resolves states of one room into one. Only what is in conflict is looked at: the states are told by their
 * differences from the head's, the auth difference is found over edges alone, and the events that are loaded are about as
 * many as are in conflict. Big conflicts are resolved in another thread.
 *
 * States that agree are not resolved: most forks are of messages.
 */
export const resolveStates = async (
  context: RoomsContext,
  head: RoomHead,
  states: readonly StateOverlay[],
  pending?: PendingEvent,
): Promise<StateOverlay> => {
  const [first, ...others] = states
  if (first === undefined) return NO_DIFFERENCE
  if (others.every(other => sameOverlay(first, other))) return first
  const conflict = new Conflict(context, head, states, pending)
  const { input, outcome } = await conflict.resolve()
  context.resets.tell(head.room.roomId, input, outcome)
  return conflict.overlay(outcome)
}

/** How far back the power levels behind the events in conflict are loaded before anybody has asked. */
const POWER_LEVELS_BEHIND = 4
/** Rounds of loading what the algorithm misses; each leads twice as deep into the room's past. */
const MAX_ROUNDS = 30

/** More edges than this are loaded anew, so that no room holds too much. */
const MAX_EDGES = 200_000

/** Edges never change (but where an event is judged again), and the next fork asks for mostly the same. */
export const edgesOf = ({ authEdges, read }: RoomsContext, roomNid: number): AuthEdges => {
  const known = authEdges.get(roomNid)
  if (known !== undefined && known.size < MAX_EDGES) return known
  const edges = new AuthEdges(nids => read.authGraph.edges(nids))
  authEdges.set(roomNid, edges)
  return edges
}

class Conflict {
  readonly #context: RoomsContext
  readonly #head: RoomHead
  readonly #states: readonly StateOverlay[]
  readonly #pending: PendingEvent | undefined
  readonly #edges: AuthEdges
  readonly #events: ResolutionEvents
  /** Every point at which a state differs from the head's. */
  readonly #keys: ReadonlySet<string>

  constructor(
    context: RoomsContext,
    head: RoomHead,
    states: readonly StateOverlay[],
    pending: PendingEvent | undefined,
  ) {
    this.#context = context
    this.#head = head
    this.#states = states
    this.#pending = pending
    this.#edges = edgesOf(context, head.room.nid)
    if (pending !== undefined) this.#edges.tell(pending.nid, pending.authEvents)
    this.#events = new ResolutionEvents(context.read, head.room.nid, pending)
    this.#keys = new Set(states.flatMap(state => [...state.keys()]))
  }

  async resolve(): Promise<{ input: ResolutionInput; outcome: ResolutionOutcome }> {
    const started = this.#context.clock.now()
    const conflicted = this.#conflicted()
    await this.#events.loadNids(conflicted.map(entry => entry.nid))
    const { difference, subgraph } = await this.#fullConflictedSet(conflicted)
    await this.#events.loadNids([...difference, ...subgraph])
    const full = this.#events.all()
    await this.#events.loadIds(
      full.flatMap(event => event.authEvents),
      POWER_LEVELS_BEHIND,
    )
    const agreed = this.#agreedPointsFor(full)
    await this.#events.loadNids(agreed.map(entry => entry.nid))
    const ids = (nids: Iterable<number>): string[] => [...nids].flatMap(nid => this.#events.idOf(nid) ?? [])
    const facts = {
      version: this.#head.version.id,
      states: this.#reducedStates(agreed),
      authDifference: ids(difference),
      conflictedSubgraph: ids(subgraph),
    }
    for (let round = 1; ; round++) {
      const input = { ...facts, events: this.#events.listed() }
      const outcome = await this.#context.resolver.resolve(input, this.#events.byId)
      if (outcome.missing.length === 0 || !(await this.#events.loadIds(outcome.missing, 2 ** round))) {
        this.#context.metrics?.resolved(full.length, this.#context.clock.now() - started)
        return { input, outcome }
      }
      if (round === MAX_ROUNDS) throw new Error(`resolution in ${this.#head.room.roomId} finds no end`)
    }
  }

  /** The resolved state as it differs from the head's. */
  overlay(outcome: ResolutionOutcome): StateOverlay {
    const entries = new Map<string, StateDelta>()
    for (const [type, stateKey, eventId] of outcome.state) {
      const node = this.#events.node(eventId) ?? this.#entryOf(stateMapKey(type, stateKey), eventId)
      if (node === undefined) continue
      const { nid, generation } = node
      entries.set(stateMapKey(type, stateKey), {
        ...{ type, stateKey, eventId, nid },
        ...(generation === undefined ? {} : { generation }),
      })
    }
    for (const key of this.#keys) {
      const point = parseStateMapKey(key)
      if (point === undefined || entries.has(key)) continue
      entries.set(key, { ...point, nid: undefined, eventId: undefined })
    }
    return overlayOf(this.#head, entries.values())
  }

  /** The entry that some state has for an event which was not loaded, as it is not in conflict. */
  #entryOf(key: string, eventId: string): StateEntry | undefined {
    for (const state of this.#states) {
      const entry = entryIn(this.#head, state, key)
      if (entry?.eventId === eventId) return entry
    }
    return undefined
  }

  /** Every event that stands in some of the states at a point where they differ. */
  #conflicted(): StateEntry[] {
    const conflicted = new Map<number, StateEntry>()
    for (const key of this.#keys) {
      const entries = this.#states.map(state => entryIn(this.#head, state, key))
      if (entries.every(entry => entry?.nid === entries[0]?.nid)) continue
      for (const entry of entries) if (entry !== undefined) conflicted.set(entry.nid, entry)
    }
    return [...conflicted.values()]
  }

  async #fullConflictedSet(
    conflicted: readonly StateEntry[],
  ): Promise<{ difference: Set<number>; subgraph: Set<number> }> {
    const variant = this.#head.version.stateResolution
    if (variant === 'v1') return { difference: new Set(), subgraph: new Set() }
    await this.#learnGenerations()
    const node = (entry: StateEntry): AuthNode => ({ nid: entry.nid, generation: this.#generation(entry) })
    const sides = this.#states.map(state =>
      [...this.#keys].flatMap(key => {
        const entry = entryIn(this.#head, state, key)
        return entry === undefined ? [] : node(entry)
      }),
    )
    const difference = await authDifferenceOf(this.#edges, sides, (from, below) => this.#agreed(from, below))
    const subgraph = variant === 'v2' ? [] : await subgraphOf(this.#edges, conflicted.map(node))
    return { difference, subgraph: new Set(subgraph) }
  }

  /** Entries that came about while the room was in memory do not know their generation. */
  async #learnGenerations(): Promise<void> {
    const unknown: string[] = []
    const ask = ({ generation, eventId, nid }: StateEntry): void => {
      if (generation === undefined && !this.#edges.generations.has(nid)) unknown.push(eventId)
    }
    for (const entry of this.#head.state.values()) ask(entry)
    for (const state of this.#states) {
      for (const delta of state.values()) {
        const { nid, eventId } = delta
        if (nid !== undefined && eventId !== undefined) ask({ ...delta, nid, eventId })
      }
    }
    for (const { nid, generation } of (await this.#context.read.authGraph.nodes(unknown)).values()) {
      this.#edges.generations.set(nid, generation)
    }
    if (this.#pending !== undefined) this.#edges.generations.set(this.#pending.nid, this.#pending.generation)
  }

  #generation({ nid, generation }: StateEntry): number {
    return generation ?? this.#edges.generations.get(nid) ?? 0
  }

  *#agreed(from: number, below: number): Iterable<AuthNode> {
    for (const [key, entry] of this.#head.state) {
      const generation = this.#generation(entry)
      if (generation < from || generation >= below || this.#keys.has(key)) continue
      yield { nid: entry.nid, generation }
    }
  }

  /** Where the states agree, the rules read no more of them than what could be auth events. */
  #agreedPointsFor(events: readonly RoomEvent[]): StateEntry[] {
    const keys = new Set([stateMapKey('m.room.create', '')])
    for (const event of events) {
      for (const point of authEventsFor(event, event.version)) {
        keys.add(stateMapKey(point.type, point.stateKey))
      }
    }
    return [...keys].flatMap(key => (this.#keys.has(key) ? [] : (this.#head.state.get(key) ?? [])))
  }

  #reducedStates(agreed: readonly StateEntry[]): StateTriple[][] {
    const triple = ({ type, stateKey, eventId }: StateEntry): StateTriple => [type, stateKey, eventId]
    const shared = agreed.map(triple)
    return this.#states.map(state => [
      ...shared,
      ...[...this.#keys].flatMap(key => {
        const entry = entryIn(this.#head, state, key)
        return entry === undefined ? [] : [triple(entry)]
      }),
    ])
  }
}
