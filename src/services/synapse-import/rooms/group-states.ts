import { LRUCache } from 'lru-cache'
import { stateMapKey } from '../../../core/event/event.ts'
import type { GroupEntry, StateGroupReader } from '../../../storage/synapse/rooms/state-group-reader.ts'

/** What a state has at a point; no event: it has none. */
export interface GroupPoint {
  readonly type: string
  readonly stateKey: string
  readonly eventId: string | undefined
}

/** By `stateMapKey`. */
export type GroupPoints = Map<string, GroupPoint>

/** A state that is held whole. */
export type HeldState = ReadonlyMap<
  string,
  { readonly type: string; readonly stateKey: string; readonly eventId: string }
>

/** What is known of a group: of one that is told by another, how it differs from that. */
type Node = { readonly before: number; readonly own: GroupPoints } | { readonly before: undefined }

/** So many entries of groups are kept: those of the last few hundred groups, which lead to one another. */
const KEPT_ENTRIES = 100_000

/**
 * Tells how states of a room, as Synapse's groups have them, differ from one that is held whole and follows them: by walking the
 * edges between groups, so that a state of ten thousand members is read as a whole only where Synapse has stored it as a whole anew
 * and nothing else tells what has changed.
 */
export class GroupStates {
  readonly #read: StateGroupReader
  readonly #nodes = new LRUCache<number, Node>({
    maxSize: KEPT_ENTRIES,
    sizeCalculation: node => 1 + (node.before === undefined ? 0 : node.own.size),
  })
  /** The group that the held state is, but for these points. */
  #anchor: number | undefined
  readonly #drift = new Map<string, { readonly type: string; readonly stateKey: string }>()

  constructor(read: StateGroupReader) {
    this.#read = read
  }

  /** The group that the held state is, where it is one. */
  get anchor(): number | undefined {
    return this.#drift.size === 0 ? this.#anchor : undefined
  }

  /** The held state is that of a group now. */
  moved(group: number | undefined): void {
    this.#anchor = group
    this.#drift.clear()
  }

  /** The held state has become another one at these points. */
  drifted(points: readonly { readonly type: string; readonly stateKey: string }[]): void {
    for (const { type, stateKey } of points) this.#drift.set(stateMapKey(type, stateKey), { type, stateKey })
  }

  /** What a group has at those points where it is another than the held state. */
  async difference(held: HeldState, group: number): Promise<GroupPoints> {
    const points = (await this.#nearby(group)) ?? (await this.#whole(held, group))
    for (const [key, { eventId }] of points) if (held.get(key)?.eventId === eventId) points.delete(key)
    return points
  }

  /** Reads ahead what groups are made of. */
  async prefetch(groups: readonly number[]): Promise<void> {
    const unknown = [...new Set(groups)].filter(group => !this.#nodes.has(group))
    if (unknown.length === 0) return
    const edges = await this.#read.edges(unknown)
    const entries = new Map<number, GroupEntry[]>()
    for (const { stateGroup, ...entry } of await this.#read.entriesOf([...edges.keys()])) {
      const of = entries.get(stateGroup)
      if (of === undefined) entries.set(stateGroup, [entry])
      else of.push(entry)
    }
    for (const group of unknown) this.#keep(group, edges.get(group), entries.get(group) ?? [])
  }

  /** What a group has at a point. */
  async at(group: number, type: string, stateKey: string): Promise<string | undefined> {
    const key = stateMapKey(type, stateKey)
    for (let at = group; ; ) {
      const node = await this.#node(at)
      if (node.before === undefined) return this.#read.entry(at, type, stateKey)
      const point = node.own.get(key)
      if (point !== undefined) return point.eventId
      at = node.before
    }
  }

  /** The points at which a group may differ from the held state, where edges tell. */
  async #nearby(group: number): Promise<GroupPoints | undefined> {
    const points = await this.#alongEdges(group)
    if (points === undefined) return undefined
    for (const [key, { type, stateKey }] of this.#drift) {
      if (!points.has(key)) points.set(key, { type, stateKey, eventId: await this.at(group, type, stateKey) })
    }
    return points
  }

  /** The same, as if the held state were just the group that it was last. */
  async #alongEdges(group: number): Promise<GroupPoints | undefined> {
    if (this.#anchor === undefined) return undefined
    const ahead = await this.#path(group, at => at === this.#anchor)
    if (ahead.reached) return ahead.points
    const passed = new Map(ahead.groups.map((at, index) => [at, index]))
    const back = await this.#path(this.#anchor, at => passed.has(at))
    const common = back.groups.at(-1)
    if (!back.reached || common === undefined) return undefined
    const points = await this.#pointsOf(ahead.groups.slice(0, passed.get(common)))
    for (const [key, { type, stateKey }] of back.points) {
      if (points.has(key)) continue
      points.set(key, { type, stateKey, eventId: await this.at(common, type, stateKey) })
    }
    return points
  }

  /** The groups from one on to that which is sought, or else to the last, and what they have of their own before that. */
  async #path(
    from: number,
    isSought: (group: number) => boolean,
  ): Promise<{ groups: number[]; points: GroupPoints; reached: boolean }> {
    const groups: number[] = []
    for (let at: number | undefined = from; at !== undefined; at = (await this.#node(at)).before) {
      groups.push(at)
      if (isSought(at)) return { groups, points: await this.#pointsOf(groups.slice(0, -1)), reached: true }
    }
    return { groups, points: new Map(), reached: false }
  }

  /** What groups have of their own, each told by the next. */
  async #pointsOf(groups: readonly number[]): Promise<GroupPoints> {
    const points: GroupPoints = new Map()
    for (const group of groups) {
      const node = await this.#node(group)
      if (node.before === undefined) continue
      for (const [key, point] of node.own) if (!points.has(key)) points.set(key, point)
    }
    return points
  }

  /** All that a group has, and the absence of what only the held state has. */
  async #whole(held: HeldState, group: number): Promise<GroupPoints> {
    const { groups } = await this.#path(group, () => false)
    const points = await this.#pointsOf(groups)
    const last = groups.at(-1)
    const base = last === undefined ? [] : await this.#read.entries(last)
    for (const entry of base) {
      const key = stateMapKey(entry.type, entry.stateKey)
      if (!points.has(key)) points.set(key, entry)
    }
    for (const [key, { type, stateKey }] of held) {
      if (!points.has(key)) points.set(key, { type, stateKey, eventId: undefined })
    }
    return points
  }

  async #node(group: number): Promise<Node> {
    const known = this.#nodes.get(group)
    if (known !== undefined) return known
    const before = (await this.#read.edges([group])).get(group)
    return this.#keep(group, before, before === undefined ? [] : await this.#read.entries(group))
  }

  #keep(group: number, before: number | undefined, entries: readonly GroupEntry[]): Node {
    // A group that leads to itself would be walked for ever.
    const node: Node =
      before === undefined || before === group
        ? { before: undefined }
        : { before, own: new Map(entries.map(entry => [stateMapKey(entry.type, entry.stateKey), entry])) }
    this.#nodes.set(group, node)
    return node
  }
}
