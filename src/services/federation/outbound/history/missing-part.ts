import type { RoomEvent } from '../../../../core/event/event.ts'
import type { RoomReaders } from '../../../../storage/rooms/index.ts'
import type { TimelineGap } from '../../../../storage/rooms/timeline-gaps.ts'
import type { RoomHead } from '../../../rooms/room-head.ts'

/** A part of a room's history that is not here. */
export interface MissingPart {
  /** The events right before what is here. */
  readonly from: readonly string[]
  /** The gap in the timeline; before everything that is here, if there is none. */
  readonly gap?: TimelineGap
  /** Whether an event is to be stored there. */
  readonly belongs: (event: RoomEvent) => boolean
}

/** More are not asked for at once: then others each time, since of what hostile servers refer to nothing can be had. */
const MAX_FROM = 20

const some = (eventIds: readonly string[], turn: number): string[] => {
  const windows = Math.max(Math.ceil(eventIds.length / MAX_FROM), 1)
  const start = (turn % windows) * MAX_FROM
  return eventIds.slice(start, start + MAX_FROM)
}

/**
 * What comes before everything that is here. Gaps further up are parts of their own.
 *
 * @param turn how often it was asked for in vain
 */
export const beginningOf = async (
  read: RoomReaders,
  { room: { nid: roomNid }, purged }: RoomHead,
  turn: number,
): Promise<MissingPart | undefined> => {
  // What was purged is not fetched back.
  if (purged !== undefined) return undefined
  const all = { after: -Number.MAX_SAFE_INTEGER, upTo: Number.MAX_SAFE_INTEGER }
  const [oldest] = await read.events.forwards({ roomNid, ...all, limit: 1 })
  if (oldest?.position === undefined || oldest.event.type === 'm.room.create') return undefined
  const limit = Math.max(oldest.position, 0)
  const missing = (await read.rooms.missingEvents(roomNid)).filter(
    ({ position }) => position !== undefined && position <= limit,
  )
  const from = some([...new Set(missing.map(({ missingEventId }) => missingEventId))], turn)
  return from.length === 0 ? undefined : { from, belongs: () => true }
}

/**
 * What is missing in the gap above a position. What is missing in gaps below as well belongs to the lowest of them, so that it
 * comes to stand before all that refers to it.
 */
export const partInGap = async (
  read: RoomReaders,
  { room: { nid: roomNid }, purged }: RoomHead,
  base: number,
  turn: number,
): Promise<MissingPart | undefined> => {
  const gaps = await read.gaps.ofRoom(roomNid)
  const gap = gaps.find(one => one.base === base)
  if (gap === undefined || (await read.gaps.isNews(gap))) return undefined
  const elsewhere = new Set<string>()
  for (const one of gaps.filter(other => other.base < base))
    for (const eventId of await read.gaps.missing(roomNid, one)) elsewhere.add(eventId)
  const missing = await read.gaps.missing(roomNid, gap)
  const own = missing.filter(eventId => !elsewhere.has(eventId))
  if (own.length === 0) return undefined
  // What is older than what was purged would be purged, too.
  const since = purged?.before ?? Number.NEGATIVE_INFINITY
  const belongs = ({ eventId, originServerTs }: RoomEvent): boolean =>
    !elsewhere.has(eventId) && originServerTs >= since
  return { from: some(own, turn), gap, belongs }
}
