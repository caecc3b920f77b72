import { powerLevelOf } from '../auth/power-levels.ts'
import { compareCodePoints } from '../canonical-json.ts'
import type { RoomEvent } from '../event/event.ts'
import type { AuthGraph, LoadEvent } from './auth-graph.ts'
import { createEventOf, powerLevelsBehind } from './auth-lookup.ts'
import { eventsBetween } from './conflicted-subgraph.ts'
import { Heap } from './heap.ts'

/**
 * Power events (rooms/v2.md): "a state event with type m.room.power_levels or m.room.join_rules, or m.room.member where
 * the membership is leave or ban and the sender does not match the state_key".
 */
export const isPowerEvent = ({ type, stateKey, sender, content }: RoomEvent): boolean => {
  if (stateKey === undefined) return false
  if (type === 'm.room.power_levels' || type === 'm.room.join_rules') return true
  const { membership } = content
  return type === 'm.room.member' && (membership === 'leave' || membership === 'ban') && sender !== stateKey
}

/**
 * Step 1 of the algorithm: "select the set X of all power events that appear in the full conflicted set. For each such
 * power event P, enlarge X by adding the events in the auth chain of P which also belong to the full conflicted set.
 * Sort X into a list using the reverse topological power ordering."
 */
export const selectAndSortPowerEvents = (
  fullConflicted: ReadonlySet<string>,
  graph: AuthGraph,
): RoomEvent[] => {
  // An auth chain may leave the full conflicted set and come back to it; such detours are all that must be walked.
  const walkable = fullConflicted.union(eventsBetween(fullConflicted, graph))
  const chains = new Map<string, RoomEvent>()
  const pending: RoomEvent[] = []
  const visit = (eventId: string, event: RoomEvent | undefined): void => {
    if (event === undefined || chains.has(eventId)) return
    chains.set(eventId, event)
    pending.push(event)
  }
  for (const eventId of fullConflicted) {
    const event = graph.load(eventId)
    if (event !== undefined && isPowerEvent(event)) visit(eventId, event)
  }
  for (let event = pending.pop(); event !== undefined; event = pending.pop()) {
    for (const authEvent of event.authEvents) {
      if (walkable.has(authEvent)) visit(authEvent, graph.load(authEvent))
    }
  }
  return powerSort(chains, eventId => fullConflicted.has(eventId), graph.load)
}

interface Vertex {
  readonly event: RoomEvent
  /** Whether it is of X; the others only carry the order from one event of X to another. */
  readonly ofX: boolean
  readonly power: number
  /** How many of its auth events have not been listed yet. */
  waitingFor: number
  readonly citedBy: Vertex[]
}

/** Kahn's algorithm, "at each step selecting, among all the candidate vertices, the smallest vertex". */
const powerSort = (
  events: ReadonlyMap<string, RoomEvent>,
  isOfX: (eventId: string) => boolean,
  load: LoadEvent,
): RoomEvent[] => {
  const candidates = new Heap<Vertex>(compareVertices)
  const freed = makeVertices(events, isOfX, load)
  const sorted: RoomEvent[] = []
  for (;;) {
    for (let vertex = freed.pop(); vertex !== undefined; vertex = freed.pop()) {
      if (vertex.ofX) candidates.push(vertex)
      else release(vertex, freed)
    }
    const smallest = candidates.pop()
    if (smallest === undefined) return sorted
    sorted.push(smallest.event)
    release(smallest, freed)
  }
}

const release = (vertex: Vertex, freed: Vertex[]): void => {
  for (const citing of vertex.citedBy) {
    citing.waitingFor--
    if (citing.waitingFor === 0) freed.push(citing)
  }
}

/** Links the events by their auth edges; answers those that wait for nothing. */
const makeVertices = (
  events: ReadonlyMap<string, RoomEvent>,
  isOfX: (eventId: string) => boolean,
  load: LoadEvent,
): Vertex[] => {
  const vertices = new Map<string, Vertex>()
  for (const [eventId, event] of events) {
    const ofX = isOfX(eventId)
    const power = ofX ? senderPower(event, load) : 0
    vertices.set(eventId, { event, ofX, power, waitingFor: 0, citedBy: [] })
  }
  for (const vertex of vertices.values()) {
    for (const authEvent of new Set(vertex.event.authEvents)) {
      const cited = vertices.get(authEvent)
      if (cited === undefined) continue
      vertex.waitingFor++
      cited.citedBy.push(vertex)
    }
  }
  return [...vertices.values()].filter(vertex => vertex.waitingFor === 0)
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
