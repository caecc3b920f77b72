import { Heap } from '../../core/state-resolution/heap.ts'
import type { AuthNode } from '../../storage/rooms/auth-graph.ts'

/** The edges of the auth graph, kept once they are loaded: without the events, three numbers each. */
export class AuthEdges {
  readonly #load: (nids: readonly number[]) => Promise<ReadonlyMap<number, readonly AuthNode[]>>
  readonly #known = new Map<number, readonly AuthNode[]>()
  readonly generations = new Map<number, number>()

  constructor(load: (nids: readonly number[]) => Promise<ReadonlyMap<number, readonly AuthNode[]>>) {
    this.#load = load
  }

  /** Tells the edges of an event that is not stored yet. */
  tell(nid: number, authEvents: readonly AuthNode[]): void {
    this.#known.set(nid, authEvents)
    for (const { nid: authNid, generation } of authEvents) this.generations.set(authNid, generation)
  }

  /** How many events' edges are known. */
  get size(): number {
    return this.#known.size
  }

  has(nid: number): boolean {
    return this.#known.has(nid)
  }

  /** The auth events of an event whose edges are loaded. */
  of(nid: number): readonly AuthNode[] {
    return this.#known.get(nid) ?? []
  }

  /** Loads the edges of those events whose edges are not known, a slice at a time. */
  async ensure(nids: readonly number[]): Promise<void> {
    const unknown = nids.filter(nid => !this.#known.has(nid))
    for (let start = 0; start < unknown.length; start += SLICE) {
      const slice = unknown.slice(start, start + SLICE)
      const loaded = await this.#load(slice)
      for (const nid of slice) this.tell(nid, loaded.get(nid) ?? [])
    }
  }
}

/** Edges of so many events arrive in one message from the reader thread: a few milliseconds of work. */
const SLICE = 1_000

/** An event on the walk, with the sides (one bit each) in whose auth chain it is. */
interface Visit {
  readonly nid: number
  readonly generation: number
  sides: bigint
  done: boolean
}

/**
 * The auth difference (rooms/v2.md) of states that agree on nearly everything: the events that are in the full auth chain
 * of some and not of others, as `authDifference` in `core` finds it, but over numbers that are loaded as the walk
 * needs them. Walks from the newest generation down and ends where the chains have met.
 *
 * @param sides for each state, the events that are not in all of them
 * @param agreed answers the events on which all states agree with a generation of at least the first number and below the
 *   second; all their ancestors are in all chains
 */
export const authDifferenceOf = async (
  edges: AuthEdges,
  sides: readonly (readonly AuthNode[])[],
  agreed: (from: number, below: number) => Iterable<AuthNode>,
): Promise<Set<number>> => new DifferenceWalk(edges, sides.length).run(sides, agreed)

class DifferenceWalk {
  readonly #edges: AuthEdges
  readonly #all: bigint
  readonly #visits = new Map<number, Visit>()
  readonly #queue = new Heap<Visit>((a, b) => b.generation - a.generation)
  readonly #open = new Set<Visit>()
  readonly #difference = new Set<number>()

  constructor(edges: AuthEdges, sides: number) {
    this.#edges = edges
    this.#all = (1n << BigInt(sides)) - 1n
  }

  async run(
    sides: readonly (readonly AuthNode[])[],
    agreed: (from: number, below: number) => Iterable<AuthNode>,
  ): Promise<Set<number>> {
    sides.forEach((nodes, index) => {
      for (const node of nodes) this.#reach(node, 1n << BigInt(index))
    })
    let agreedFrom = Number.POSITIVE_INFINITY
    while (this.#open.size > 0) {
      let lowest = Number.POSITIVE_INFINITY
      for (const { generation } of this.#open) lowest = Math.min(lowest, generation)
      if (lowest < agreedFrom) {
        for (const node of agreed(lowest, agreedFrom)) this.#reach(node, this.#all)
        agreedFrom = lowest
      }
      await this.#walkTo(lowest)
    }
    return this.#difference
  }

  #reach({ nid, generation }: AuthNode, sides: bigint): void {
    let visit = this.#visits.get(nid)
    if (visit === undefined) {
      visit = { nid, generation, sides: 0n, done: false }
      this.#visits.set(nid, visit)
      this.#queue.push(visit)
    }
    if (visit.done || visit.sides === this.#all) return
    visit.sides |= sides
    if (visit.sides === this.#all) this.#open.delete(visit)
    else this.#open.add(visit)
  }

  /** Walks on through everything of at least this generation. */
  async #walkTo(generation: number): Promise<void> {
    const due: Visit[] = []
    for (let visit = this.#queue.pop(); visit !== undefined; visit = this.#queue.pop()) {
      if (visit.generation < generation) {
        this.#queue.push(visit)
        break
      }
      due.push(visit)
    }
    await this.#edges.ensure(due.map(visit => visit.nid))
    for (const visit of due) this.#queue.push(visit)
    for (let visit = this.#queue.pop(); visit !== undefined; visit = this.#queue.pop()) {
      // Events that came up on the way have to be loaded first; the next round does.
      if (visit.generation < generation || !this.#edges.has(visit.nid) || this.#open.size === 0) {
        this.#queue.push(visit)
        return
      }
      this.#pass(visit)
    }
  }

  #pass(visit: Visit): void {
    if (visit.sides !== this.#all) this.#difference.add(visit.nid)
    // Done with, even if a circle (v1 and v2 give event IDs freely) leads here again.
    visit.done = true
    this.#open.delete(visit)
    for (const authEvent of this.#edges.of(visit.nid)) this.#reach(authEvent, visit.sides)
  }
}

/**
 * The conflicted state subgraph (rooms/v12.md): the events on auth paths from one of these events to another, as
 * `eventsBetween` in `core` finds them.
 */
export const subgraphOf = async (edges: AuthEdges, ends: readonly AuthNode[]): Promise<Set<number>> => {
  const endNids = new Set(ends.map(end => end.nid))
  const oldest = ends.reduce((least, { generation }) => Math.min(least, generation), Number.POSITIVE_INFINITY)
  const visited = new Map<number, AuthNode>()
  let wave = ends.filter(end => end.generation > oldest)
  while (wave.length > 0) {
    for (const node of wave) visited.set(node.nid, node)
    await edges.ensure(wave.map(node => node.nid))
    const next = new Map<number, AuthNode>()
    for (const { nid } of wave) {
      for (const node of edges.of(nid)) {
        if (node.generation > oldest && !visited.has(node.nid)) next.set(node.nid, node)
      }
    }
    wave = [...next.values()]
  }
  // From the oldest generation up, an event is met after all its auth events.
  const leading = new Set<number>()
  const joined = new Set<number>()
  for (const { nid } of [...visited.values()].sort((a, b) => a.generation - b.generation)) {
    for (const authEvent of edges.of(nid)) {
      if (!endNids.has(authEvent.nid) && !leading.has(authEvent.nid)) continue
      leading.add(nid)
      if (endNids.has(authEvent.nid)) joined.add(authEvent.nid)
    }
  }
  return leading.union(joined)
}
