import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'

/** A stretch of a timeline: for `b` down from `from` (inclusive) to `to` (exclusive), for `f` the other way round. */
export interface Span {
  readonly direction: 'b' | 'f'
  readonly from: number
  readonly to: number
}

/** Which events of a stretch are wanted, and how many at most. */
export interface Wanted {
  readonly limit: number
  readonly passes: (stored: StoredEvent) => boolean
}

/** Events of a stretch, and where to go on. */
export interface Stretch {
  readonly events: StoredEvent[]
  readonly next: number
  /** Nothing is left of the stretch. */
  readonly exhausted: boolean
}

/** A filter that lets little through still costs at most this many events; `next` then leads on. */
const MAX_SCANNED = 5000
/** Below the position of any event there is. */
export const BEGINNING: number = -Number.MAX_SAFE_INTEGER

/** Reads on from `span.from` until enough events have passed, the stretch ends, or enough was looked at. */
export const collect = async (
  read: RoomReaders,
  roomNid: number,
  span: Span,
  want: Wanted,
): Promise<Stretch> => {
  const events: StoredEvent[] = []
  let next = span.from
  let scanned = 0
  while (events.length < want.limit && scanned < MAX_SCANNED) {
    const batch = Math.min(Math.max(want.limit - events.length, 20), 200)
    const page = await readPage(read, roomNid, { ...span, from: next }, batch)
    for (const stored of page) {
      const position = stored.position ?? 0
      next = span.direction === 'b' ? position - 1 : position
      if (want.passes(stored)) events.push(stored)
      if (events.length === want.limit) return { events, next, exhausted: false }
    }
    scanned += page.length
    if (page.length < batch) return { events, next, exhausted: true }
  }
  return { events, next, exhausted: false }
}

const readPage = (read: RoomReaders, roomNid: number, span: Span, limit: number): Promise<StoredEvent[]> =>
  span.direction === 'b'
    ? read.events.backwards({ roomNid, after: span.to, upTo: span.from, limit })
    : read.events.forwards({ roomNid, after: span.from, upTo: span.to, limit })
