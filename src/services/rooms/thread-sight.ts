import type { ThreadReader } from '../../storage/rooms/threads.ts'
import type { Sight } from './room-sight.ts'
import { BEGINNING, END } from './visible-ranges.ts'

/** Of somebody who has come and gone more often, the last stays are counted: "the approximate number of events in the thread". */
const MAX_STAYS = 20

/** Whether somebody sees every thread whose root they see as it is stored, with its count and its newest event. */
export const seesWholeThreads = ({ ranges }: Sight, ignored: ReadonlySet<string>): boolean =>
  ignored.size === 0 && ranges.length === 1 && ranges[0]?.to === END

/**
 * What somebody sees of a thread: how many events, and the position of the newest. What they cannot see ("child events might not be
 * visible to the user if they are in a section of history the user cannot see") or do not want to counts for nothing.
 */
export const threadSeenBy = async (
  threads: ThreadReader,
  thread: { readonly roomNid: number; readonly rootId: string },
  { ranges }: Sight,
  ignored: ReadonlySet<string>,
): Promise<{ count: number; latestPosition: number | undefined }> => {
  const { roomNid, rootId } = thread
  const stays = await Promise.all(
    ranges.slice(-MAX_STAYS).map(({ from, to }) => {
      const span = { after: Math.max(from - 1, BEGINNING), upTo: to }
      return threads.within(roomNid, rootId, { ...span, without: ignored })
    }),
  )
  return {
    count: stays.reduce((sum, { count }) => sum + count, 0),
    latestPosition: stays.findLast(({ count }) => count > 0)?.latestPosition,
  }
}
