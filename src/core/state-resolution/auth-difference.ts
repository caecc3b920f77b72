import type { AuthGraph } from './auth-graph.ts'
import { Heap } from './heap.ts'

/** An event on the walk, with the state sets (one bit each) that hold it and whose auth chains reach it. */
interface Node {
  readonly eventId: string
  readonly generation: number
  /** The state sets that hold the event itself. */
  held: bigint
  /** The state sets in whose full auth chain the event is. */
  reached: bigint
}

/**
 * The auth difference (rooms/v2.md): "calculating the full auth chain for each state S_i, that is the union of the auth
 * chains for each event in S_i, and then taking every event that doesn't appear in every auth chain". An event of a
 * state is in that state's chain only if another event of the state leads to it.
 *
 * Walks from the newest generation down, so that an event is met only after all events that lead to it, and stops as
 * soon as nothing is left that some chains have and others lack: shared history is not walked.
 *
 * @param stateSets the event IDs of each state
 */
export const authDifference = (stateSets: readonly (readonly string[])[], graph: AuthGraph): Set<string> => {
  const walk = new Walk(graph, stateSets.length)
  stateSets.forEach((stateSet, index) => {
    for (const eventId of stateSet) walk.hold(eventId, 1n << BigInt(index))
  })
  return walk.run()
}

class Walk {
  readonly #graph: AuthGraph
  readonly #all: bigint
  readonly #nodes = new Map<string, Node>()
  readonly #queue = new Heap<Node>((a, b) => b.generation - a.generation)
  /** How many events in the queue are still open: some chains have them, or lead on from them, and others do not. */
  #open = 0

  constructor(graph: AuthGraph, stateSets: number) {
    this.#graph = graph
    this.#all = (1n << BigInt(stateSets)) - 1n
  }

  hold(eventId: string, stateSet: bigint): void {
    this.#update(eventId, stateSet, 0n)
  }

  run(): Set<string> {
    const difference = new Set<string>()
    while (this.#open > 0) {
      const node = this.#queue.pop()
      if (node === undefined) break
      if (this.#isOpen(node)) this.#open--
      if (this.#isPartial(node.reached)) difference.add(node.eventId)
      const leading = node.held | node.reached
      for (const authEvent of this.#graph.load(node.eventId)?.authEvents ?? [])
        this.#update(authEvent, 0n, leading)
    }
    return difference
  }

  #update(eventId: string, held: bigint, reached: bigint): void {
    let node = this.#nodes.get(eventId)
    if (node === undefined) {
      node = { eventId, generation: this.#graph.generationOf(eventId), held: 0n, reached: 0n }
      this.#nodes.set(eventId, node)
      this.#queue.push(node)
    }
    const wasOpen = this.#isOpen(node)
    node.held |= held
    node.reached |= reached
    this.#open += Number(this.#isOpen(node)) - Number(wasOpen)
  }

  #isOpen(node: Node): boolean {
    return this.#isPartial(node.reached) || this.#isPartial(node.held | node.reached)
  }

  #isPartial(stateSets: bigint): boolean {
    return stateSets !== 0n && stateSets !== this.#all
  }
}
