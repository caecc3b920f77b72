import { powerLevelOf } from '../auth/power-levels.ts'
import { compareCodePoints } from '../canonical-json.ts'
import type { RoomEvent } from '../event/event.ts'
import type { LoadEvent } from './auth-graph.ts'
import { createEventOf, powerLevelsBehind } from './auth-lookup.ts'
import { Heap } from './heap.ts'

/**
 * Power events (rooms/v2.md): "a state event with type m.room.power_levels or m.room.join_rules, or m.room.member where
 * the membership is leave or ban and the sender does not match the state_key".
 *
 * Only the room's own are meant, with the empty state key, and the create event goes with them where it is in conflict.
 * The text says neither, but so do the servers with which we must agree.
 */
export const isPowerEvent = ({ type, stateKey, sender, content }: RoomEvent): boolean => {
  if (type === 'm.room.member') {
    const { membership } = content
    return stateKey !== undefined && sender !== stateKey && (membership === 'leave' || membership === 'ban')
  }
  return stateKey === '' && POWER_TYPES.has(type)
}

const POWER_TYPES: ReadonlySet<string> = new Set([
  'm.room.power_levels',
  'm.room.join_rules',
  'm.room.create',
])

/**
 * Step 1 of the algorithm: "select the set X of all power events that appear in the full conflicted set. For each such
 * power event P, enlarge X by adding the events in the auth chain of P which also belong to the full conflicted set.
 * Sort X into a list using the reverse topological power ordering."
 *
 * Chains are followed as far as they stay within the full conflicted set, as other servers do.
 */
export const selectAndSortPowerEvents = (
  fullConflicted: ReadonlySet<string>,
  load: LoadEvent,
): RoomEvent[] => {
  const selected = new Map<string, RoomEvent>()
  const pending: RoomEvent[] = []
  const select = (event: RoomEvent | undefined): void => {
    if (event === undefined || selected.has(event.eventId)) return
    selected.set(event.eventId, event)
    pending.push(event)
  }
  for (const eventId of fullConflicted) {
    const event = load(eventId)
    if (event !== undefined && isPowerEvent(event)) select(event)
  }
  for (let event = pending.pop(); event !== undefined; event = pending.pop()) {
    for (const authEvent of event.authEvents) if (fullConflicted.has(authEvent)) select(load(authEvent))
  }
  return powerSort(selected, load)
}

interface Vertex {
  readonly event: RoomEvent
  readonly power: number
  /** How many of its auth events have not been listed yet. */
  waitingFor: number
  readonly citedBy: Vertex[]
}

/** Kahn's algorithm, "at each step selecting, among all the candidate vertices, the smallest vertex". */
const powerSort = (events: ReadonlyMap<string, RoomEvent>, load: LoadEvent): RoomEvent[] => {
  const candidates = new Heap<Vertex>(compareVertices)
  for (const vertex of makeVertices(events, load)) if (vertex.waitingFor === 0) candidates.push(vertex)
  const sorted: RoomEvent[] = []
  for (let smallest = candidates.pop(); smallest !== undefined; smallest = candidates.pop()) {
    sorted.push(smallest.event)
    for (const citing of smallest.citedBy) {
      citing.waitingFor--
      if (citing.waitingFor === 0) candidates.push(citing)
    }
  }
  return sorted
}

const makeVertices = (events: ReadonlyMap<string, RoomEvent>, load: LoadEvent): Iterable<Vertex> => {
  const vertices = new Map<string, Vertex>()
  for (const [eventId, event] of events) {
    vertices.set(eventId, { event, power: senderPower(event, load), waitingFor: 0, citedBy: [] })
  }
  for (const vertex of vertices.values()) {
    for (const authEvent of new Set(vertex.event.authEvents)) {
      const cited = vertices.get(authEvent)
      if (cited === undefined) continue
      vertex.waitingFor++
      cited.citedBy.push(vertex)
    }
  }
  return vertices.values()
}

/** The sender's power level "when looking at their respective auth_events". */
const senderPower = (event: RoomEvent, load: LoadEvent): number =>
  powerLevelOf(event.sender, {
    powerLevels: powerLevelsBehind(event, load),
    create: createEventOf(event, load),
    version: event.version,
  })

/** "x < y if x's sender has greater power level; or less origin_server_ts; or less event_id", in this order. */
const compareVertices = (x: Vertex, y: Vertex): number => {
  if (x.power !== y.power) return x.power > y.power ? -1 : 1
  return compareByTime(x.event, y.event)
}

/** "origin_server_ts less; or the same, but event_id less". */
export const compareByTime = (x: RoomEvent, y: RoomEvent): number =>
  x.originServerTs - y.originServerTs || compareCodePoints(x.eventId, y.eventId)
