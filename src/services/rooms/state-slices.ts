import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { nextTurn } from '../next-turn.ts'

/** Events that are loaded, and worked on, in one turn of the event loop. */
const SLICE = 250

/**
 * Events in slices, so that tens of thousands of members do not hold the event loop. What fits into one slice is kept in memory: most
 * rooms are that small, and asked for again. Of more only passing use is made.
 */
export async function* inSlices(
  read: Pick<RoomReaders, 'events' | 'passing'>,
  nids: readonly number[],
): AsyncGenerator<StoredEvent[], void> {
  if (nids.length <= SLICE) {
    yield await read.events.byNids(nids)
    return
  }
  for (let start = 0; start < nids.length; start += SLICE) {
    if (start > 0) await nextTurn()
    yield await read.passing.byNids(nids.slice(start, start + SLICE))
  }
}
