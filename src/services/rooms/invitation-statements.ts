import { strippedStateEvent, withinReason } from '../../core/event/client-event.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import { invitationOutcome } from '../../core/invitation-terms.ts'
import type { JsonObject } from '../../core/json.ts'
import type { SqlParameter, WriteStatement } from '../../storage/database.ts'
import type { Membership } from '../../storage/rooms/memberships.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'
import { shownEvent } from './shown-event.ts'

/** The state that an invited person is shown, so that no second request is needed to decide. */
export const INVITE_STATE_TYPES = [
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.canonical_alias',
  'm.room.join_rules',
  'm.room.encryption',
  'chat.tessera.room.media',
] as const

const CHANGED: SqlParameter = { stream: 'invites', offset: 0 }

/** The stripped state of a room as its head has it, with the member events of the given users. */
export const strippedState = async (
  context: RoomsContext,
  head: RoomHead,
  users: readonly string[],
): Promise<JsonObject[]> =>
  withinReason((await describingEvents(context, head, users)).map(strippedStateEvent))

/** The same as whole events, which is how other servers are told of a room (since v1.16). */
export const describingState = async (
  context: RoomsContext,
  head: RoomHead,
  users: readonly string[],
): Promise<JsonObject[]> => (await describingEvents(context, head, users)).map(event => event.pdu)

const describingEvents = async (
  { read }: RoomsContext,
  head: RoomHead,
  users: readonly string[],
): Promise<RoomEvent[]> => {
  const entries = [
    ...INVITE_STATE_TYPES.map(type => head.entry(type, '')),
    ...users.map(userId => head.entry('m.room.member', userId)),
  ]
  const nids = entries.flatMap(entry => entry?.nid ?? [])
  return (await read.events.byNids(nids)).map(shownEvent)
}

/** An invitation, or a knock, that state resolution has taken away. */
export const withdrawnInvitation = (
  { write, clock }: RoomsContext,
  head: RoomHead,
  userId: string,
): WriteStatement =>
  write.invitations.settle(
    { userId, roomId: head.room.roomId },
    { status: 'cancelled', now: clock.now(), position: CHANGED },
  )

/**
 * What a local user's new membership means for their invitation to the room: a new one, or what became of it.
 *
 * @param member the member event; its room's head already holds it.
 */
export const invitationStatements = async (
  context: RoomsContext,
  head: RoomHead,
  member: RoomEvent,
  membership: Membership,
): Promise<WriteStatement[]> => {
  const { invitations } = context.write
  const userId = member.stateKey ?? ''
  const now = context.clock.now()
  if (membership !== 'invite' && membership !== 'knock') {
    const status = invitationOutcome(member) ?? 'cancelled'
    return [invitations.settle({ userId, roomId: head.room.roomId }, { status, now, position: CHANGED })]
  }
  const shown = membership === 'invite' ? [member.sender, userId] : [userId]
  return [
    invitations.put(
      {
        userId,
        roomId: head.room.roomId,
        kind: membership,
        sender: member.sender,
        updatedTs: now,
        event: member.pdu,
        eventId: member.eventId,
        roomVersion: head.version.id,
        strippedState: await strippedState(context, head, shown),
      },
      CHANGED,
    ),
  ]
}
