import { MatrixError } from '../../core/errors.ts'
import type { Requester } from '../requester.ts'
import type { StateChange } from './sending.ts'

/**
 * Guests come and go, and do no more about who is in a room: to invite, to knock and to send others away are not among what they may ask
 * for (module "Guest Access"), so nor is it as state, which they may send. Throws `M_GUEST_ACCESS_FORBIDDEN`.
 */
export const checkGuestMembership = (
  { userId, isGuest }: Pick<Requester, 'userId' | 'isGuest'>,
  { type, stateKey, content: { membership } }: Pick<StateChange, 'type' | 'stateKey' | 'content'>,
): void => {
  if (!isGuest || type !== 'm.room.member') return
  if (stateKey === userId && (membership === 'join' || membership === 'leave')) return
  throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests can only join and leave')
}
