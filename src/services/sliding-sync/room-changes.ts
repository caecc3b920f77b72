import type { Answer } from '../answer.ts'
import type { Connection, SentRoom } from './connection.ts'
import type { JoinedPlace } from './room-list.ts'
import type { Selected } from './selection.ts'

/** Whether a room is being sent whole, so that all that goes with it is told. */
export const isFresh = (sent: SentRoom | undefined, before: SentRoom | undefined): boolean =>
  sent?.kind === 'joined' && before?.kind !== 'joined'

/** Brings up to a position of the stream `receipts` what a connection knows of where the user has read something. */
export const refreshReceipts = async (
  { known, rooms }: Connection,
  upTo: number,
  readRooms: (after: number, upTo: number) => Answer<readonly string[]>,
): Promise<void> => {
  // One that comes from another process knows but when it was told of rooms.
  const after =
    known.receiptsAt ??
    [...rooms.values()].reduce((first, { receipts = upTo }) => Math.min(first, receipts), upTo)
  if (after < upTo) for (const roomId of await readRooms(after, upTo)) known.receipts.set(roomId, upTo)
  known.receiptsAt = Math.max(after, upTo)
}

/** Whether there is something to tell of a room beside what it was last told as. @param counted up to where counts are right */
export const hasNews = (
  { place, config }: Selected,
  before: SentRoom | undefined,
  {
    direct,
    counted,
    receipts,
  }: {
    readonly direct: ReadonlySet<string>
    readonly counted: number
    readonly receipts: ReadonlyMap<string, number>
  },
): boolean => {
  if (before === undefined || before.kind !== place.kind) return true
  if (place.kind === 'invited') return place.invitation.position > before.upTo
  if (place.kind === 'left') return place.row.position > before.upTo
  return (
    place.touched > before.upTo ||
    config.timelineLimit > before.timelineLimit ||
    (config.requiredState.key !== before.requiredState?.key &&
      config.requiredState.asksForMoreThan(before.requiredState)) ||
    direct.has(place.roomId) !== before.isDirect ||
    isCountedSince(place, before, counted) ||
    (receipts.get(place.roomId) ?? 0) > (before.receipts ?? Number.MAX_SAFE_INTEGER)
  )
}

/** Whether a room was told before all of it was counted, and that is done now. */
const isCountedSince = ({ order }: JoinedPlace, before: SentRoom, counted: number): boolean =>
  before.counted !== undefined && before.counted < order && order <= counted
