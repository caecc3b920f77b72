import { MatrixError } from '../../../core/errors.ts'
import type { RoomEvent } from '../../../core/event/event.ts'
import { parsePdu } from '../../../core/event/format.ts'
import { isUserId, serverNameOf } from '../../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../../core/json.ts'
import type { RoomVersion } from '../../../core/room-versions.ts'
import type { Membership } from '../../../storage/rooms/memberships.ts'

/** A membership event that another server hands in, with its place in the path. */
export interface HandedIn {
  readonly roomId: string
  readonly eventId: string
  readonly event: JsonObject
}

/** Throws `M_FORBIDDEN` unless the user is the asking server's. */
export const checkOwnUser = (origin: string, userId: string): void => {
  if (!isUserId(userId)) throw new MatrixError('M_INVALID_PARAM', `${userId} is not a user ID`)
  if (serverNameOf(userId) !== origin) {
    throw new MatrixError('M_FORBIDDEN', `Only the server of ${userId} may ask for this`)
  }
}

/**
 * Reads a membership event and holds it against its path. Neither signatures nor hash are checked.
 * Throws `M_BAD_JSON` for what is no event of this room version, `M_INVALID_PARAM` for another event than expected and for
 * one that nobody has signed.
 */
export const parseMembershipEvent = (
  { roomId, eventId, event: pdu }: HandedIn,
  version: RoomVersion,
  membership: Membership,
): RoomEvent => {
  if (!isJsonObject(pdu['signatures'])) throw new MatrixError('M_INVALID_PARAM', 'The event is not signed')
  const parsed = parsePdu(pdu, version)
  if ('refusal' in parsed) throw new MatrixError('M_BAD_JSON', parsed.refusal.message)
  const { event } = parsed
  const expected: readonly (readonly [unknown, unknown, string])[] = [
    [event.eventId, eventId, 'event ID'],
    [event.roomId, roomId, 'room'],
    [event.type, 'm.room.member', 'type'],
    [event.content['membership'], membership, 'membership'],
  ]
  for (const [actual, wanted, name] of expected) {
    if (actual !== wanted) {
      throw new MatrixError('M_INVALID_PARAM', `The event has another ${name} than expected here`)
    }
  }
  if (event.stateKey === undefined) throw new MatrixError('M_INVALID_PARAM', 'This is not a state event')
  return event
}
