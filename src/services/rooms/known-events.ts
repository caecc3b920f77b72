import type { RoomEvent } from '../../core/event/event.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { isLinear } from './following.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './rooms-context.ts'

/**
 * Events by ID; those whose place may just have been taken by another process are read anew, once for a head: whatever another process
 * does in the room makes that head out of date.
 */
export const findAnew = async (
  { read: { events } }: Pick<RoomsContext, 'read'>,
  head: RoomHead,
  eventIds: readonly string[],
): Promise<Map<string, StoredEvent>> => {
  const found = await events.byIds(eventIds)
  const changing = [...found.values()].filter(
    stored =>
      (isOutlier(stored) || isRefused(stored)) &&
      !head.unsettled.has(stored.event.eventId) &&
      !head.readAnew.has(stored.nid),
  )
  if (changing.length === 0) return found
  if (head.readAnew.size > MAX_READ_ANEW) head.readAnew.clear()
  for (const { nid } of changing) head.readAnew.add(nid)
  events.forget(changing.map(stored => stored.nid))
  for (const { event } of changing) found.delete(event.eventId)
  return new Map([...found, ...(await events.byIds(changing.map(stored => stored.event.eventId)))])
}

/** So many are remembered to have been read anew, which the cache of heads does not count. */
const MAX_READ_ANEW = 200

/** The ends of a room's graph, which all have a place in the timeline: what another process has given one is read anew. */
export const findEnds = async (
  { read: { events } }: Pick<RoomsContext, 'read'>,
  ends: RoomHead['extremities'],
): Promise<StoredEvent[]> => {
  const nids = ends.map(({ nid }) => nid)
  const outliers = (await events.byNids(nids)).filter(isOutlier)
  events.forget(outliers.map(({ nid }) => nid))
  return events.byNids(nids)
}

/** IDs of those events before one that are not part of the timeline, nor about to be. The room's ends are. */
export const absentBefore = (
  event: RoomEvent,
  head: RoomHead,
  known: ReadonlyMap<string, StoredEvent>,
): string[] =>
  isLinear(event, head)
    ? []
    : event.prevEvents.filter(eventId => !head.unsettled.has(eventId) && notHere(known.get(eventId)))

/**
 * IDs of those events before one after which the state is not known: those that are not here, and those of a stay that ended
 * before the room's members were known. The room's present state is known all the same, unless nobody here is in it.
 */
export const unknownBefore = (
  event: RoomEvent,
  head: RoomHead,
  known: ReadonlyMap<string, StoredEvent>,
): string[] => {
  const absent = absentBefore(event, head, known)
  if (!head.hasUnfinished) return absent
  const lacks = event.prevEvents.filter(eventId =>
    head.lacksMembersBefore(known.get(eventId) ?? { position: undefined }),
  )
  const isPresent = lacks.length < event.prevEvents.length && isLinear(event, head)
  return isPresent ? absent : [...absent, ...lacks]
}

/** Whether a stored event is not part of the timeline. */
export const isOutlier = (stored: StoredEvent): boolean => stored.position === undefined

const isRefused = ({ rejected, softFailed }: StoredEvent): boolean => rejected !== undefined || softFailed

/** Whether an event is not part of the timeline: unknown, or known only as somebody's auth event. */
const notHere = (stored: StoredEvent | undefined): boolean => stored === undefined || isOutlier(stored)
