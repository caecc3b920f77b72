import { invitationOutcome } from '../../core/invitation-terms.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { InvitationRow, InvitationStatus } from '../../storage/rooms/invitations.ts'
import { NO_EVENT } from '../../storage/rooms/membership-writer.ts'
import type { InvitationKey } from './records.ts'

type Invitation = Pick<InvitationRow, 'roomId' | 'userId' | 'eventId'>

/** Whether it is told by the timeline here; what was soft-failed is not, though it may be part of the state later. */
export const isShown = (stored: StoredEvent | undefined): boolean =>
  stored !== undefined && (stored.position ?? 0) > 0 && !stored.softFailed

/** What the state of rooms has of invitations: the resolution of conflicts may change that without any event that tells. */
export class InvitationStanding {
  readonly #read: RoomReaders

  constructor(read: RoomReaders) {
    this.#read = read
  }

  /** Whether the state of its room has it now. */
  async holds({ roomId, userId, eventId }: Invitation): Promise<boolean> {
    const stored = await this.#read.events.byId(eventId)
    return stored !== undefined && (await this.#memberNid({ roomId, userId })) === stored.nid
  }

  /** The invitation that the state of a room has of somebody now. */
  async invitationOf(key: InvitationKey): Promise<StoredEvent | undefined> {
    const nid = await this.#memberNid(key)
    const [member] = await this.#read.events.byNids(nid === undefined || nid === NO_EVENT ? [] : [nid])
    return member?.event.content['membership'] === 'invite' ? member : undefined
  }

  /** What an invitation has become that was taken away without the timeline telling; `undefined` if none of that is so. */
  async undoneBy(invitation: Invitation): Promise<InvitationStatus | undefined> {
    const position = (await this.#read.events.byId(invitation.eventId))?.position ?? 0
    if (!(await this.holdsOlder(invitation, position)) || (await this.holds(invitation))) return undefined
    const nid = await this.#memberNid(invitation)
    const [member] = await this.#read.events.byNids(nid === undefined ? [] : [nid])
    const outcome = member && invitationOutcome(member.event)
    // Whoever is in the room, is. But what was said before is no answer.
    const isAnswer = outcome === 'accepted' || (member?.position ?? 0) > position
    return (isAnswer ? outcome : undefined) ?? 'cancelled'
  }

  /** What the state has in the place of an invitation and came after it. */
  async answerTo({ roomId, userId, eventPosition }: InvitationRow): Promise<StoredEvent | undefined> {
    const nid = await this.#memberNid({ roomId, userId })
    const [member] = await this.#read.events.byNids(nid === undefined ? [] : [nid])
    const isLater = member !== undefined && (member.position ?? 0) >= eventPosition
    return isLater && invitationOutcome(member.event) !== undefined ? member : undefined
  }

  /**
   * Whether the state has nothing of somebody, what came before a position, or what no timeline tells: an invitation that stands there
   * is of a branch that was not followed.
   */
  async holdsOlder(key: InvitationKey, position: number): Promise<boolean> {
    const nid = await this.#memberNid(key)
    if (nid === undefined) return false
    if (nid === NO_EVENT) return true
    const [member] = await this.#read.events.byNids([nid])
    return !isShown(member) || (member?.position ?? 0) < position
  }

  async #memberNid({ roomId, userId }: InvitationKey): Promise<number | undefined> {
    const { rooms, memberships } = this.#read
    const room = await rooms.byId(roomId)
    return room && (await memberships.one(userId, room.nid))?.eventNid
  }
}
