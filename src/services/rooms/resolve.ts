import type { RoomEvent } from '../../core/event/event.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import { resolveState } from '../../core/state-resolution/resolve.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { StateEntry } from '../../storage/rooms/state.ts'
import { stateMapOf } from './room-head.ts'
import { type RoomState, stateDifference } from './state-at.ts'

/** An event that takes part before it is stored. */
export interface PendingEvent {
  readonly nid: number
  readonly event: RoomEvent
  readonly authNids: readonly number[]
}

/**
 * Resolves states of one room into one, loading from the database what the pure algorithm will look at.
 *
 * States that agree are not resolved: most forks are of messages.
 */
export const resolveStates = async (
  read: RoomReaders,
  version: RoomVersion,
  states: readonly RoomState[],
  pending?: PendingEvent,
): Promise<RoomState> => {
  const [first, ...others] = states
  if (first === undefined) return new Map()
  if (others.every(other => stateDifference(first, other).length === 0)) return first
  const conflicted = conflictedNids(states)
  const difference = await authDifference(read, states, pending)
  const chain = await authChain(read, [...conflicted, ...difference], pending)
  const agreed = [...first.values()].filter(entry => isAuthType(entry.type)).map(entry => entry.nid)
  const loaded = await read.events.byNids([...new Set([...conflicted, ...difference, ...chain, ...agreed])])
  const byId = new Map<string, Pick<StoredEvent, 'nid' | 'event' | 'rejected'>>(
    loaded.map(stored => [stored.event.eventId, stored]),
  )
  if (pending !== undefined) byId.set(pending.event.eventId, { ...pending, rejected: undefined })
  const nidsInDifference = new Set(difference)
  const inDifference = loaded
    .filter(stored => nidsInDifference.has(stored.nid))
    .map(stored => stored.event.eventId)
  const { state } = resolveState(version, states.map(stateMapOf), eventId => byId.get(eventId)?.event, {
    authDifference: () => inDifference,
    isRejected: eventId => byId.get(eventId)?.rejected !== undefined,
  })
  const known = new Map<string, StateEntry>()
  for (const each of states) for (const entry of each.values()) known.set(entry.eventId, entry)
  const resolved: RoomState = new Map()
  for (const [key, eventId] of state) {
    const stored = byId.get(eventId)
    const entry =
      known.get(eventId) ??
      (stored && { type: stored.event.type, stateKey: stored.event.stateKey ?? '', nid: stored.nid, eventId })
    if (entry !== undefined) resolved.set(key, entry)
  }
  return resolved
}

/** Every event that stands in some of the states at a point where the states differ. */
const conflictedNids = (states: readonly RoomState[]): Set<number> => {
  const conflicted = new Set<number>()
  const keys = new Set(states.flatMap(state => [...state.keys()]))
  for (const key of keys) {
    const nids = new Set(states.map(state => state.get(key)?.nid))
    if (nids.size > 1) for (const nid of nids) if (nid !== undefined) conflicted.add(nid)
  }
  return conflicted
}

/** "∪ C − ∩ C" over the full auth chains of the states (rooms/v2.md, "Auth difference"): nids. */
const authDifference = async (
  read: RoomReaders,
  states: readonly RoomState[],
  pending: PendingEvent | undefined,
): Promise<number[]> => {
  const counts = new Map<number, number>()
  for (const state of states) {
    const nids = [...state.values()].map(entry => entry.nid)
    for (const nid of await authChain(read, nids, pending)) counts.set(nid, (counts.get(nid) ?? 0) + 1)
  }
  return [...counts].filter(([, count]) => count < states.length).map(([nid]) => nid)
}

const authChain = async (
  read: RoomReaders,
  nids: readonly number[],
  pending: PendingEvent | undefined,
): Promise<number[]> => {
  if (pending === undefined || !nids.includes(pending.nid)) return read.events.authChain(nids)
  const chain = await read.events.authChain([...nids, ...pending.authNids])
  return [...new Set([...chain, ...pending.authNids])]
}

/** Types of state events that authorise others, which resolution may read from the state on which all agree. */
const isAuthType = (type: string): boolean =>
  type === 'm.room.create' ||
  type === 'm.room.power_levels' ||
  type === 'm.room.join_rules' ||
  type === 'm.room.member' ||
  type === 'm.room.third_party_invite'
