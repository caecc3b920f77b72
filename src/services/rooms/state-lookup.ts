import { type StateLookup, type StatePoint, stateMapKey } from '../../core/event/event.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'
import { shownEvent } from './shown-event.ts'
import { entryIn, NO_DIFFERENCE, type StateOverlay } from './state-overlay.ts'

/**
 * The state events at these points of a room's head (and its create event), or of another of its states, loaded for
 * the synchronous rules.
 */
export const stateLookup = async (
  context: RoomsContext,
  head: RoomHead,
  points: readonly StatePoint[],
  state: StateOverlay = NO_DIFFERENCE,
): Promise<StateLookup> => lookupIn(await stateEvents(context, head, points, state))

/** The events as the rules look into them. */
export const lookupIn =
  (events: ReadonlyMap<string, StoredEvent>): StateLookup =>
  (type, stateKey) => {
    const stored = events.get(stateMapKey(type, stateKey))
    return stored && shownEvent(stored)
  }

/** The same as stored, by `stateMapKey`. */
export const stateEvents = async (
  { read }: RoomsContext,
  head: RoomHead,
  points: readonly StatePoint[],
  state: StateOverlay = NO_DIFFERENCE,
): Promise<ReadonlyMap<string, StoredEvent>> => {
  const keyOf = new Map<number, string>()
  for (const { type, stateKey } of [CREATE, ...points]) {
    const key = stateMapKey(type, stateKey)
    const entry = entryIn(head, state, key)
    if (entry !== undefined) keyOf.set(entry.nid, key)
  }
  const events = await read.events.byNids([...keyOf.keys()])
  return new Map(events.map(stored => [keyOf.get(stored.nid) ?? '', stored]))
}

const CREATE: StatePoint = { type: 'm.room.create', stateKey: '' }
