import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomsContext } from './room-writer.ts'

/** So many events after one are looked through. */
const MAX_LATER = 500

/**
 * Whether an event that was soft-failed is referred to by what came after it, so that it is no end of the graph if it is
 * accepted now. Where very much has come since, it is taken to be: the next event then covers it by what it refers to.
 */
export const isReferredTo = async (
  read: RoomsContext['read'],
  { roomNid, position: after, softFailed, event: { eventId } }: StoredEvent,
): Promise<boolean> => {
  if (!softFailed || after === undefined) return false
  const range = { roomNid, after, upTo: Number.MAX_SAFE_INTEGER, limit: MAX_LATER }
  const later = await read.events.forwards(range)
  return later.length === MAX_LATER || later.some(({ event }) => event.prevEvents.includes(eventId))
}
