import { serverNameOf } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { StoredInvitation } from '../../storage/invitations/records.ts'
import type { NotificationFact, NotificationKind } from '../../storage/notifications/notifications.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import type { Inbox } from './inbox.ts'
import { isReadBy } from './read-by.ts'
import { notificationId } from './subjects.ts'

/** Tells the two sides of an invitation what it has become. */
export class InvitationNotices {
  readonly #context: RoomsContext
  readonly #inbox: Inbox

  constructor(context: RoomsContext, inbox: Inbox) {
    this.#context = context
    this.#inbox = inbox
  }

  /** Brings what both are told in line with a record. */
  async follow(record: StoredInvitation): Promise<void> {
    const { userId, inviter } = record
    if (this.#isLocal(userId)) await this.#inviteeOf(record)
    if (this.#isLocal(inviter) && inviter !== userId) await this.#inviterOf(record)
  }

  /** The invited user has it as long as it is pending. */
  async #inviteeOf(record: StoredInvitation): Promise<void> {
    const fact = invitationFact(record)
    // It comes back where what had ended it did not hold.
    if (record.status === 'invited') await this.#inbox.restore(fact)
    else await this.#inbox.settle(fact.userId, fact.id)
  }

  /** The inviter hears what became of it. */
  async #inviterOf(record: StoredInvitation): Promise<void> {
    const { inviter, userId, roomId, eventId, updatedTs, details } = record
    const id = notificationId(inviter, { about: 'answer', roomId, of: userId })
    const kind = answerKind(record)
    if (kind === undefined) {
      await this.#inbox.settle(inviter, id)
      return
    }
    const { roomNid, position: eventPosition } = await this.#answeredAt(record)
    const isRead = async (): Promise<boolean> =>
      roomNid !== undefined &&
      isReadBy({ kind, eventPosition }, await this.#inbox.rooms.readUpTo(inviter, roomNid))
    if (!(await isRead())) {
      await this.#inbox.raise({
        ...{
          userId: inviter,
          id,
          kind,
          roomId,
          sender: userId,
          eventId,
          count: 1,
          ts: updatedTs,
          eventPosition,
        },
        details: {
          ...(details.answer === undefined ? {} : { comment: details.answer }),
          ...(details.failure === undefined ? {} : { failure: { ...details.failure } }),
        },
      })
    }
    // Who follows receipts passes over what is not raised yet.
    if (await isRead()) await this.#inbox.settle(inviter, id)
  }

  /** Where the answer stands in the room: whoever has read up to there has heard of it. */
  async #answeredAt({
    roomId,
    userId,
  }: StoredInvitation): Promise<{ roomNid: number | undefined; position: number }> {
    const { read, db } = this.#context
    const room = await read.rooms.byId(roomId)
    const nid = room && (await read.state.point(room.nid, 'm.room.member', userId))
    const [answer] = nid === undefined ? [] : await read.events.byNids([nid])
    return { roomNid: room?.nid, position: answer?.position ?? db.position('events') }
  }

  #isLocal(userId: string): boolean {
    return serverNameOf(userId) === this.#context.serverName
  }
}

/** A pending invitation as its invited user is told of it. */
export const invitationFact = (record: StoredInvitation): NotificationFact => {
  const { userId, roomId, inviter, eventId, updatedTs, expiresTs, details } = record
  return {
    ...{ userId, roomId, sender: inviter, eventId, count: 1, ts: updatedTs },
    id: notificationId(userId, { about: 'invitation', roomId }),
    kind: 'invitation',
    eventPosition: undefined,
    details: {
      ...(details.comment === undefined ? {} : { comment: details.comment }),
      ...(expiresTs === undefined ? {} : { expires_ts: expiresTs }),
      ...(details.event === undefined ? {} : { invitation_event: { ...details.event } as JsonObject }),
    },
  }
}

/** What the inviter is told, if anything: a silent refusal says nothing, and what they have taken back they know. */
const answerKind = ({ status, silent, details }: StoredInvitation): NotificationKind | undefined => {
  switch (status) {
    case 'accepted':
      return 'invitation_accepted'
    case 'declined':
      return silent ? undefined : 'invitation_declined'
    case 'expired':
      return 'invitation_expired'
    default:
      // One that was to be sent later and could not be.
      return details.failure === undefined ? undefined : 'invitation_expired'
  }
}
