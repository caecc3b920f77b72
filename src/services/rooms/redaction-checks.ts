import { levelTo, powerLevelOf } from '../../core/auth/power-levels.ts'
import { mayBeRedacted } from '../../core/auth/redaction-allowed.ts'
import { MatrixError } from '../../core/errors.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { Requester } from '../requester.ts'
import { powerContext } from './redaction-effect.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './rooms-context.ts'

/**
 * Whom this server lets redact an event: anybody what they sent themselves, and administrators what local users sent; else it
 * takes the redact level. Since room version 3 the auth rules let more pass, which servers then do not apply: we refuse it
 * instead. What made the room stays.
 */
export const mayRedact = async (
  { read, serverName }: RoomsContext,
  head: RoomHead,
  { userId, isAdmin }: Requester,
  target: RoomEvent,
): Promise<boolean> => {
  if (!mayBeRedacted(target, head.version)) return false
  if (target.sender === userId) return true
  // "Server administrators may redact events sent by users on their server": of one domain, so that every server applies it.
  if (isAdmin && serverNameOf(target.sender) === serverName) return true
  const powers = { ...(await powerContext(read, head)), version: head.version }
  return powerLevelOf(userId, powers) >= levelTo('redact', powers)
}

/**
 * Refuses whoever may not redact an event. The room's access control list stays as it is: without its content it lets no server
 * in, and nobody could mend that.
 *
 * Throws `M_FORBIDDEN`.
 */
export const checkRedaction = async (
  context: RoomsContext,
  head: RoomHead,
  requester: Requester,
  target: RoomEvent,
): Promise<void> => {
  if (target.eventId === head.entry('m.room.server_acl', '')?.eventId) {
    throw new MatrixError(
      'M_FORBIDDEN',
      'A redacted access control list would lock everybody out: send another',
    )
  }
  if (await mayRedact(context, head, requester, target)) return
  throw new MatrixError('M_FORBIDDEN', 'You may not redact this event')
}
