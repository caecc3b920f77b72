/**
 * How an invitation or a knock has ended, for its user's clients: a member event in client format. Clients take nothing else for
 * an end, and where no event of the room is stored here that says it, it is kept with the invitation.
 */
import { hash } from 'node:crypto'
import { clientEvent } from '../../core/event/client-event.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import type { JsonObject } from '../../core/json.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'

/** An end by an event that this server has seen, of a room that it does not follow. */
export const endingBy = (event: RoomEvent): JsonObject => clientEvent(event, { roomId: false })

/**
 * An end by this server's own word, which no event says, or none as yet: it has no other ID than this.
 *
 * @param content what the leave says, such as a reason
 * @param now in milliseconds
 */
export const ownEnding = (
  { userId, eventId }: Pick<InvitationRow, 'userId' | 'eventId'>,
  content: JsonObject,
  now: number,
): JsonObject => ({
  content: { ...content, membership: 'leave' },
  event_id: `$${hash('sha256', `${eventId} ended ${now}`, 'base64url')}`,
  origin_server_ts: now,
  sender: userId,
  state_key: userId,
  type: 'm.room.member',
})
