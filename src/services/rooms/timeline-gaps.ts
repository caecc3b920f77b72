import type { RoomEvent } from '../../core/event/event.ts'
import type { SqlParameter, WriteStatement } from '../../storage/database.ts'
import type { TimelineGap } from '../../storage/rooms/timeline-gaps.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'
import { END } from './visible-ranges.ts'

/**
 * So many positions are kept free for a gap: some for each event by which the room has become deeper, since it may have had
 * branches. Whoever follows the stream passes them over, and is to note that he did (`TimelineGapReader.isNews`): there are
 * more than he passes without a note, and than `EventNews` keeps in memory.
 */
const PER_DEPTH = 4
const FEWEST = 2_000
const MOST = 200_000
/** Beyond so many gaps of a room, what is missing counts as part of the newest. */
const MAX_GAPS = 50
/** For so long (ms) what turns out to be missing on other branches may be of the same absence. */
const NOTICED_TOGETHER_MS = 900_000

/** How the timeline remembers that something is missing before an event. */
export interface GapBefore {
  /** So many positions stay free before it. */
  readonly reserved: number
  /** What is written with the event at its position. */
  readonly statements: (at: SqlParameter) => WriteStatement[]
}

export const NO_GAP: GapBefore = { reserved: 0, statements: () => [] }

/**
 * Whether the timeline has a gap before an event that enters it at its end, and what is to be done about it, so that the events
 * of the gap can come to stand before it later. What is missing before the first event that is here is no gap: it is history.
 *
 * @param missing what the event refers to and is not here
 */
export const gapBefore = async (
  { read, write, clock }: RoomsContext,
  head: RoomHead,
  event: RoomEvent,
  missing: readonly string[],
): Promise<GapBefore> => {
  const { nid: roomNid } = head.room
  if (missing.length === 0 || (await read.events.newestAt(roomNid, END)) === undefined) return NO_GAP
  const gaps = await read.gaps.ofRoom(roomNid)
  const [newest] = gaps
  const now = clock.now()
  if (newest !== undefined && (gaps.length >= MAX_GAPS || isOf(newest, event, now)))
    return { reserved: 0, statements: at => [write.gaps.widen(roomNid, newest, at)] }
  const deepest = head.extremities.reduce((max, { depth }) => Math.max(max, depth), 0)
  const reserved = Math.min(Math.max(PER_DEPTH * (event.depth - deepest), FEWEST), MOST)
  const base: SqlParameter = { stream: 'events', offset: 0 }
  return { reserved, statements: at => [write.gaps.open(roomNid, { base, at, openedTs: now })] }
}

/**
 * Whether what an event refers to was missed with what is missing in a gap, on another branch: it was sent before that was
 * noticed. They are fetched together, so that what both branches go back to comes to stand before both.
 */
const isOf = ({ openedTs }: TimelineGap, { originServerTs }: RoomEvent, now: number): boolean =>
  originServerTs <= openedTs && now - openedTs <= NOTICED_TOGETHER_MS
