import { LRUCache } from 'lru-cache'
import type { RoomEvent } from '../../../core/event/event.ts'
import { stateMapKey } from '../../../core/event/event.ts'
import type { StateDelta } from '../../../storage/rooms/state-entry.ts'
import type { SynapseRooms } from '../../../storage/synapse/rooms/room-reader.ts'
import type { StateGroupReader } from '../../../storage/synapse/rooms/state-group-reader.ts'
import { type GroupPoint, type GroupPoints, GroupStates, type HeldState } from './group-states.ts'
import type { RoomNodes } from './room-nodes.ts'

/** An event of the timeline, as far as its state matters. */
export interface StatedEvent {
  readonly event: RoomEvent
  readonly stateGroup: number | undefined
  readonly rejected: string | undefined
  /** The event whose place it has taken in the state, as Synapse has noted it. */
  readonly replaces: string | undefined
}

/** So many events' groups are kept in mind: others refer to them soon or never. */
const KEPT_GROUPS = 10_000

/**
 * What the state before each event of a room was, by Synapse's own account: told by how it differs from the state after the event
 * before it in the timeline.
 */
export class RoomStates {
  readonly #source: SynapseRooms
  readonly #nodes: RoomNodes
  readonly #groups: GroupStates
  readonly #groupOf = new LRUCache<string, number>({ max: KEPT_GROUPS })

  constructor(source: SynapseRooms, groups: StateGroupReader, nodes: RoomNodes) {
    this.#source = source
    this.#nodes = nodes
    this.#groups = new GroupStates(groups)
  }

  /** Reads ahead what is asked of these events. */
  async prefetch(events: readonly StatedEvent[]): Promise<void> {
    const here = new Set(events.map(({ event }) => event.eventId))
    const before = events.flatMap(({ event }) => event.prevEvents)
    const unknown = [...new Set(before)].filter(id => !here.has(id) && !this.#groupOf.has(id))
    for (const [eventId, group] of await this.#source.groupsOf(unknown)) this.#groupOf.set(eventId, group)
    for (const { event, stateGroup } of events)
      if (stateGroup !== undefined) this.#groupOf.set(event.eventId, stateGroup)
  }

  /** How the state before an event differs from the held one. */
  async before(held: HeldState, stated: StatedEvent): Promise<StateDelta[]> {
    const { event, stateGroup, rejected, replaces } = stated
    const before = event.prevEvents.map(eventId => this.#groupOf.get(eventId))
    const [first] = before
    const isOne = first !== undefined && before.every(group => group === first)
    if (isOne)
      return first === this.#groups.anchor
        ? []
        : this.#deltas(await this.#groups.difference(held, first), held)
    // What Synapse has no state of stands where the timeline was.
    if (stateGroup === undefined) return []
    const isPlain = event.stateKey === undefined || rejected !== undefined
    if (isPlain && stateGroup === this.#groups.anchor) return []
    const points = await this.#groups.difference(held, stateGroup)
    if (!isPlain) this.#takeBack(points, held, event, replaces)
    return this.#deltas(points, held)
  }

  /** The held state has become that after an event, but for these points. */
  entered({ stateGroup }: StatedEvent, but: readonly StateDelta[] = []): void {
    this.#groups.moved(stateGroup)
    this.#groups.drifted(but)
  }

  /** The held state has become another one at these points. */
  drifted(points: readonly StateDelta[]): void {
    this.#groups.drifted(points)
  }

  /** Which of these points the held state has not. */
  changed(held: HeldState, points: readonly GroupPoint[]): Promise<StateDelta[]> {
    return this.#deltas(new Map(points.map(point => [stateMapKey(point.type, point.stateKey), point])), held)
  }

  /** How a state that is told by its events differs from the held one. */
  async differenceTo(held: HeldState, entries: readonly GroupPoint[]): Promise<StateDelta[]> {
    const points: GroupPoints = new Map()
    for (const { type, stateKey, eventId } of entries)
      points.set(stateMapKey(type, stateKey), { type, stateKey, eventId })
    for (const [key, { type, stateKey }] of held)
      if (!points.has(key)) points.set(key, { type, stateKey, eventId: undefined })
    this.#groups.moved(undefined)
    return this.#deltas(points, held)
  }

  /** The group of a state event is the state after it: before it, its place was another's, or free. */
  #takeBack(points: GroupPoints, held: HeldState, event: RoomEvent, replaces: string | undefined): void {
    const { type, stateKey = '' } = event
    const key = stateMapKey(type, stateKey)
    const point = points.get(key)
    // Another has come out of the resolution of its own state.
    if (point?.eventId !== event.eventId) return
    if (held.get(key)?.eventId === replaces) points.delete(key)
    else points.set(key, { type, stateKey, eventId: replaces })
  }

  /** Points by what their events are known as here; what cannot be had is not there. */
  async #deltas(points: GroupPoints, held: HeldState): Promise<StateDelta[]> {
    const nodes = await this.#nodes.ensure([...points.values()].flatMap(({ eventId }) => eventId ?? []))
    return [...points].flatMap(([key, { type, stateKey, eventId }]) => {
      const node = eventId === undefined ? undefined : nodes.get(eventId)
      if (held.get(key)?.eventId === (node === undefined ? undefined : eventId)) return []
      return [
        {
          type,
          stateKey,
          nid: node?.nid,
          eventId: node === undefined ? undefined : eventId,
          ...(node && { generation: node.generation }),
        },
      ]
    })
  }
}
