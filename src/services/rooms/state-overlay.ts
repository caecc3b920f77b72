import { stateMapKey } from '../../core/event/event.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { StateDelta, StateEntry } from '../../storage/rooms/state-entry.ts'
import type { RoomHead } from './room-head.ts'

/**
 * A state of a room told as what differs from the current state of its head, by `stateMapKey`: since branches of a room
 * agree on nearly everything, this is small where the room is big. An entry without nid is a point that is not set.
 */
export type StateOverlay = ReadonlyMap<string, StateDelta>

/** The head's own state. */
export const NO_DIFFERENCE: StateOverlay = new Map()

/** What a point holds in a state. */
export const entryIn = (head: RoomHead, overlay: StateOverlay, key: string): StateEntry | undefined => {
  const delta = overlay.get(key)
  return delta === undefined ? head.state.get(key) : asEntry(delta)
}

export const asEntry = ({ type, stateKey, nid, eventId, generation }: StateDelta): StateEntry | undefined =>
  nid === undefined || eventId === undefined
    ? undefined
    : { type, stateKey, nid, eventId, ...(generation === undefined ? {} : { generation }) }

/** An overlay of these differences, the later ones first in rank; those that are none are left out. */
export const overlayOf = (head: RoomHead, ...differences: readonly Iterable<StateDelta>[]): StateOverlay => {
  const overlay = new Map<string, StateDelta>()
  for (const deltas of differences) {
    for (const delta of deltas) {
      const key = stateMapKey(delta.type, delta.stateKey)
      if (head.state.get(key)?.nid === delta.nid) overlay.delete(key)
      else overlay.set(key, delta)
    }
  }
  return overlay
}

/** A whole state as an overlay: what it lacks is not set. */
export const overlayOfState = (head: RoomHead, state: ReadonlyMap<string, StateEntry>): StateOverlay => {
  const lacking: StateDelta[] = []
  for (const [key, { type, stateKey }] of head.state) {
    if (!state.has(key)) lacking.push({ type, stateKey, nid: undefined, eventId: undefined })
  }
  return overlayOf(head, lacking, state.values())
}

/** A whole state given by its events, of which those count that are accepted. */
export const overlayOfEvents = (head: RoomHead, events: Iterable<StoredEvent>): StateOverlay => {
  const state = new Map<string, StateEntry>()
  for (const { event, nid, rejected, roomNid, generation } of events) {
    if (roomNid !== head.room.nid) continue
    if (event.stateKey === undefined || rejected !== undefined) continue
    const { type, stateKey, eventId } = event
    state.set(stateMapKey(type, stateKey), { type, stateKey, eventId, nid, generation })
  }
  return overlayOfState(head, state)
}

/** The state before an event of the timeline. The head must be that of the database: nothing in flight. */
export const overlayBefore = async (
  read: RoomReaders,
  head: RoomHead,
  stored: StoredEvent,
): Promise<StateOverlay> => {
  if (stored.position === undefined) {
    throw new Error(`the state before outlier ${stored.event.eventId} is not known`)
  }
  const [since, own] = await Promise.all([
    read.state.backTo(head.room.nid, stored.position - 1),
    read.state.delta(stored.nid),
  ])
  return overlayOf(head, since, own)
}

/** The state after an event of the timeline: rejected events change nothing. */
export const overlayAfter = async (
  read: RoomReaders,
  head: RoomHead,
  stored: StoredEvent,
): Promise<StateOverlay> => {
  const before = await overlayBefore(read, head, stored)
  const { event, nid, rejected, generation } = stored
  const { type, stateKey, eventId } = event
  if (stateKey === undefined || rejected !== undefined) return before
  return overlayOf(head, before.values(), [{ type, stateKey, nid, eventId, generation }])
}

/** A state that lacks members, with what another one knows of those: where it says nothing of somebody, it does not contradict. */
export const withMembersOf = (head: RoomHead, overlay: StateOverlay, whole: StateOverlay): StateOverlay => {
  const unknown: StateDelta[] = []
  for (const [key, { type }] of [...overlay, ...whole]) {
    if (type !== 'm.room.member' || entryIn(head, overlay, key) !== undefined) continue
    const member = entryIn(head, whole, key)
    if (member !== undefined) unknown.push(member)
  }
  return overlayOf(head, overlay.values(), unknown)
}

/** What has to change to get from one state to another. */
export const differenceOf = (head: RoomHead, from: StateOverlay, to: StateOverlay): StateDelta[] =>
  [...new Set([...from.keys(), ...to.keys()])].flatMap(key => {
    const entry = entryIn(head, to, key)
    const held = entryIn(head, from, key)
    if (entry?.nid === held?.nid) return []
    if (entry !== undefined) return entry
    return held === undefined
      ? []
      : { type: held.type, stateKey: held.stateKey, nid: undefined, eventId: undefined }
  })

export const sameOverlay = (a: StateOverlay, b: StateOverlay): boolean => {
  if (a.size !== b.size) return false
  for (const [key, delta] of a) {
    const other = b.get(key)
    if (other === undefined || other.nid !== delta.nid) return false
  }
  return true
}
