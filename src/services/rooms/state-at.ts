import { stateMapKey } from '../../core/event/event.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { StateDelta, StateEntry } from '../../storage/rooms/state-entry.ts'

/** A room's whole state by `stateMapKey`. */
export type RoomState = Map<string, StateEntry>

/** The state before an event of the timeline: the intervals just before its position, with its own difference. */
export const stateBefore = async (read: RoomReaders, stored: StoredEvent): Promise<RoomState> => {
  if (stored.position === undefined)
    throw new Error(`the state before outlier ${stored.event.eventId} is not known`)
  const [entries, deltas] = await Promise.all([
    read.state.at(stored.roomNid, stored.position - 1),
    read.state.delta(stored.nid),
  ])
  const state: RoomState = new Map(entries.map(entry => [stateMapKey(entry.type, entry.stateKey), entry]))
  applyDeltas(state, deltas)
  return state
}

/**
 * The state after an event (server-server API, "Room state resolution"): the state before it, with the event in its
 * own place if it is a state event that was not rejected.
 */
export const stateAfter = async (read: RoomReaders, stored: StoredEvent): Promise<RoomState> => {
  const state = await stateBefore(read, stored)
  const { event, nid, rejected } = stored
  if (event.stateKey !== undefined && rejected === undefined) {
    const { type, stateKey, eventId } = event
    state.set(stateMapKey(type, stateKey), { type, stateKey, nid, eventId })
  }
  return state
}

/** What has to change to get from one state to another. */
export const stateDifference = (
  from: ReadonlyMap<string, StateEntry>,
  to: ReadonlyMap<string, StateEntry>,
): StateDelta[] => {
  const deltas: StateDelta[] = []
  for (const [key, entry] of to) if (from.get(key)?.nid !== entry.nid) deltas.push(entry)
  for (const [key, { type, stateKey }] of from) {
    if (!to.has(key)) deltas.push({ type, stateKey, nid: undefined, eventId: undefined })
  }
  return deltas
}

/** Changes a state in place. */
export const applyDeltas = (state: RoomState, deltas: readonly StateDelta[]): void => {
  for (const { type, stateKey, nid, eventId } of deltas) {
    const key = stateMapKey(type, stateKey)
    if (nid === undefined || eventId === undefined) state.delete(key)
    else state.set(key, { type, stateKey, nid, eventId })
  }
}
