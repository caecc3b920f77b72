import { createHash } from 'node:crypto'
import { authorise } from '../auth/authorise.ts'
import { type Refusal, type RoomEvent, type StateMap, stateMapKey } from '../event/event.ts'
import type { LoadEvent } from './auth-graph.ts'
import type { Resolution } from './resolution.ts'
import { splitConflicted } from './split.ts'
import { parseStateMapKey } from './state-key.ts'

/** The passes over the conflicts, in order; `undefined` is "all other conflicts". */
const PASSES = ['m.room.power_levels', 'm.room.join_rules', 'm.room.member', undefined]

/**
 * State resolution v1 (rooms/v1.md): "the resolved state is built up in a number of passes; R refers to the results of
 * the resolution so far".
 *
 * Within a pass each point is resolved by itself against the R of the passes before, as the order in which points
 * would otherwise be taken is not specified.
 */
export const resolveV1 = (stateSets: readonly StateMap[], load: LoadEvent): Resolution => {
  // "Start by setting R to the union of the states to be resolved, excluding any conflicting events."
  const { unconflicted, conflicted } = splitConflicted(stateSets, 'is no conflict')
  const room: V1Room = { state: new Map(unconflicted), load, refused: new Map() }
  const pending = new Map(conflicted)
  for (const pass of PASSES) {
    const resolved = new Map<string, string>()
    for (const [key, eventIds] of pending) {
      if (pass !== undefined && parseStateMapKey(key)?.type !== pass) continue
      const events = inOrder(eventIds, load)
      const winner = pass === undefined ? pickNormal(events, room) : pickByPassing(key, events, room)
      if (winner !== undefined) resolved.set(key, winner.eventId)
      pending.delete(key)
    }
    for (const [key, eventId] of resolved) room.state.set(key, eventId)
  }
  return { state: room.state, conflicted, refused: room.refused }
}

interface V1Room {
  readonly state: Map<string, string>
  readonly load: LoadEvent
  readonly refused: Map<string, Refusal>
}

/** "Sort the list by ascending depth then descending sha1(event_id)." */
const inOrder = (eventIds: readonly string[], load: LoadEvent): RoomEvent[] =>
  eventIds
    .flatMap(eventId => load(eventId) ?? [])
    .map(event => ({ event, sha1: createHash('sha1').update(event.eventId).digest('hex') }))
    .sort((x, y) => x.event.depth - y.event.depth || (x.sha1 > y.sha1 ? -1 : 1))
    .map(({ event }) => event)

/** Whether the rules allow an event in R, with `point` standing for what R holds under `key`. */
const isAllowed = (event: RoomEvent, room: V1Room, key?: string, point?: RoomEvent): boolean => {
  const state = (type: string, stateKey: string): RoomEvent | undefined => {
    const wanted = stateMapKey(type, stateKey)
    if (wanted === key) return point
    const eventId = room.state.get(wanted)
    return eventId === undefined ? undefined : room.load(eventId)
  }
  const refusal = authorise(event, { state, createEvent: undefined })
  if (refusal) room.refused.set(event.eventId, refusal)
  return refusal === undefined
}

/**
 * "Add the first event in the list to R. For each subsequent event, check that it would be allowed in state R. If so,
 * update R with the event and continue; if not, stop."
 */
const pickByPassing = (key: string, events: readonly RoomEvent[], room: V1Room): RoomEvent | undefined => {
  let [winner] = events
  for (const event of events.slice(1)) {
    if (!isAllowed(event, room, key, winner)) break
    winner = event
  }
  return winner
}

/**
 * "Pick the event with the highest depth and lowest sha1(event_id) that passes authentication in R." Where none passes,
 * which the text leaves open, the one with the least depth stays, as in the servers that these rooms live on.
 */
const pickNormal = (events: readonly RoomEvent[], room: V1Room): RoomEvent | undefined =>
  events.findLast(event => isAllowed(event, room)) ?? events[0]
