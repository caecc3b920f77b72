import type { Recounting } from '../sync/room-sync.ts'
import type { Connection } from './connection.ts'
import type { KnownRooms } from './known-rooms.ts'
import type { JoinedPlace } from './room-list.ts'
import type { Selected } from './selection.ts'
import { RECOUNTING, type RecountedAt, type SentRoom } from './sent-room.ts'

/** Whether a room is being sent whole, so that all that goes with it is told. */
export const isFresh = (sent: SentRoom | undefined, before: SentRoom | undefined): boolean =>
  sent?.kind === 'joined' && before?.kind !== 'joined'

/** Brings up to date what a connection knows of how counts have changed without events. */
export const refreshRecounts = async (
  { known: { recounts }, rooms }: Connection,
  now: RecountedAt,
  recounting: { readonly [stream in keyof RecountedAt]: Pick<Recounting, 'rooms'> },
  userId: string,
): Promise<void> => {
  for (const stream of RECOUNTING) {
    const [known, upTo] = [recounts[stream], now[stream]]
    // One that comes from another process knows but when it was told of rooms.
    const after =
      known.at ??
      [...rooms.values()].reduce((first, { recounted }) => Math.min(first, recounted?.[stream] ?? upTo), upTo)
    if (after < upTo)
      for (const roomId of await recounting[stream].rooms(userId, after, upTo)) known.rooms.set(roomId, upTo)
    known.at = Math.max(after, upTo)
  }
}

/** Whether there is something to tell of a room beside what it was last told as. @param counted up to where counts are right */
export const hasNews = (
  { place, config }: Selected,
  before: SentRoom | undefined,
  {
    direct,
    counted,
    recounts,
  }: {
    readonly direct: ReadonlySet<string>
    readonly counted: number
    readonly recounts: KnownRooms['recounts']
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
    RECOUNTING.some(
      stream => (recounts[stream].rooms.get(place.roomId) ?? 0) > (before.recounted?.[stream] ?? Infinity),
    )
  )
}

/** Whether a room was told before all of it was counted, and that is done now. */
const isCountedSince = ({ order }: JoinedPlace, before: SentRoom, counted: number): boolean =>
  before.counted !== undefined && before.counted < order && order <= counted
