import type { SentRoom } from './connection.ts'
import type { JoinedPlace } from './room-list.ts'
import type { Selected } from './selection.ts'

/** Whether a room is being sent whole, so that all that goes with it is told. */
export const isFresh = (sent: SentRoom | undefined, before: SentRoom | undefined): boolean =>
  sent?.kind === 'joined' && before?.kind !== 'joined'

/** Whether there is something to tell of a room beside what it was last told as. @param counted up to where counts are right */
export const hasNews = (
  { place, config }: Selected,
  before: SentRoom | undefined,
  { direct, counted }: { readonly direct: ReadonlySet<string>; readonly counted: number },
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
    isCountedSince(place, before, counted)
  )
}

/** Whether a room was told before all of it was counted, and that is done now. */
const isCountedSince = ({ order }: JoinedPlace, before: SentRoom, counted: number): boolean =>
  before.counted !== undefined && before.counted < order && order <= counted
