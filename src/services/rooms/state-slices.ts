import { UnparsedEvent } from '../../core/event/unparsed-event.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { nextTurn } from '../next-turn.ts'

/** Events that are loaded, and worked on, in one turn of the event loop. */
const SLICE = 250
/** The first of a large room: how long they are is not known yet. */
const FIRST = 50
/** Characters of these, as far as can be told from those before. */
const LENGTH = 1_000_000
/** So many are kept in memory, while there is room: most rooms are that small, and asked for again, when that takes half the CPU. */
const MAX_KEPT = 1_000

/**
 * Events in slices, so that tens of thousands of members do not hold the event loop. Of those of a large room only passing use is made.
 */
export async function* inSlices(
  read: Pick<RoomReaders, 'events' | 'passing'>,
  nids: readonly number[],
): AsyncGenerator<StoredEvent[], void> {
  const isPassing = nids.length > MAX_KEPT || !read.events.admitsState()
  const events = isPassing ? read.passing : read.events
  let size = isPassing ? FIRST : SLICE
  for (let start = 0; start < nids.length; ) {
    if (start > 0) await nextTurn()
    const slice = await events.byNids(nids.slice(start, start + size))
    yield slice
    start += size
    size = nextSize(slice)
  }
}

/** Of events that are as long as these, on average, so many that they have about `LENGTH`. */
const nextSize = (slice: readonly StoredEvent[]): number => {
  let length = 0
  for (const { event } of slice) if (event instanceof UnparsedEvent) length += event.length
  return length === 0 ? SLICE : Math.max(1, Math.min(SLICE, Math.floor((LENGTH * slice.length) / length)))
}
