import type { AuthGraph } from './auth-graph.ts'
import { Heap } from './heap.ts'

/** An event on the walk, with the state sets (one bit each) in whose auth chain it is. */
interface Node {
  readonly eventId: string
  readonly generation: number
  stateSets: bigint
}

/**
 * The auth difference (rooms/v2.md): "calculating the full auth chain for each state S_i, that is the union of the auth
 * chains for each event in S_i, and then taking every event that doesn't appear in every auth chain".
 *
 * The events of a state count as part of its chain. The text has them there only if other events of the state lead to
 * them; but then an event on which all states agree would be replayed as soon as one side builds on it, and the order
 * of the others would hang on it. The servers that rooms live on count as is done here.
 *
 * Walks from the newest generation down, so that an event is met only after all events that lead to it, and stops as
 * soon as nothing is left that some chains have and others lack: shared history is not walked.
 *
 * @param stateSets the event IDs of each state
 */
export const authDifference = (stateSets: readonly (readonly string[])[], graph: AuthGraph): Set<string> => {
  const walk = new Walk(graph, stateSets.length)
  stateSets.forEach((stateSet, index) => {
    for (const eventId of stateSet) walk.reach(eventId, 1n << BigInt(index))
  })
  return walk.run()
}

class Walk {
  readonly #graph: AuthGraph
  readonly #all: bigint
  readonly #nodes = new Map<string, Node>()
  readonly #queue = new Heap<Node>((a, b) => b.generation - a.generation)
  /** How many events in the queue are in some chains and, as far as is known, not in others. */
  #open = 0

  constructor(graph: AuthGraph, stateSets: number) {
    this.#graph = graph
    this.#all = (1n << BigInt(stateSets)) - 1n
  }

  reach(eventId: string, stateSets: bigint): void {
    let node = this.#nodes.get(eventId)
    if (node === undefined) {
      node = { eventId, generation: this.#graph.generationOf(eventId), stateSets: 0n }
      this.#nodes.set(eventId, node)
      this.#queue.push(node)
      this.#open++
    }
    if (node.stateSets === this.#all) return
    node.stateSets |= stateSets
    if (node.stateSets === this.#all) this.#open--
  }

  run(): Set<string> {
    const difference = new Set<string>()
    while (this.#open > 0) {
      const node = this.#queue.pop()
      if (node === undefined) break
      const { eventId, stateSets } = node
      if (stateSets !== this.#all) {
        difference.add(eventId)
        // Done with, even if a circle (v1 and v2 give event IDs freely) leads here again.
        node.stateSets = this.#all
        this.#open--
      }
      for (const authEvent of this.#graph.load(eventId)?.authEvents ?? []) this.reach(authEvent, stateSets)
    }
    return difference
  }
}
