import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { nextTurn } from '../next-turn.ts'

/** Events that are loaded, and worked on, in one turn of the event loop. */
const SLICE = 250
/** So many are kept in memory: most rooms are that small, and asked for again, when that takes half the CPU. */
const MAX_KEPT = 1_000

/**
 * Events in slices, so that tens of thousands of members do not hold the event loop. Of those of a large room only passing use is made.
 */
export async function* inSlices(
  read: Pick<RoomReaders, 'events' | 'passing'>,
  nids: readonly number[],
): AsyncGenerator<StoredEvent[], void> {
  const events = nids.length > MAX_KEPT ? read.passing : read.events
  for (let start = 0; start < nids.length; start += SLICE) {
    if (start > 0) await nextTurn()
    yield await events.byNids(nids.slice(start, start + SLICE))
  }
}
