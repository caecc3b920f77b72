import type { Membership, MembershipRow } from '../../storage/rooms/memberships.ts'
import type { Sight } from '../rooms/room-sight.ts'

/**
 * The membership of which a user's clients were told by a position: where it was learnt late that they are in a room, nothing
 * before that. Of earlier stays they were told in their time.
 */
export const toldAt = (
  { toldFrom }: Pick<MembershipRow, 'toldFrom'>,
  sight: Pick<Sight, 'joins' | 'membershipAt'>,
  position: number,
): Membership | undefined => {
  if (toldFrom === undefined || position >= toldFrom) return sight.membershipAt(position)
  const learntLate = sight.joins.findLast(({ from }) => from <= toldFrom)
  return position < (learntLate?.from ?? toldFrom) ? sight.membershipAt(position) : undefined
}
