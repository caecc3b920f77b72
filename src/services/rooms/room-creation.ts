import { MatrixError } from '../../core/errors.ts'
import { isUserId } from '../../core/ids.ts'
import type { InvitePolicies } from './invite-policies.ts'
import type { ChangeOfOther, Memberships } from './memberships.ts'
import type { MemberProfile } from './ports.ts'
import type { RoomClaim, RoomCreator } from './room-creator.ts'
import type { NewRoom } from './room-templates.ts'
import { checkFirstState } from './state-content.ts'

/** Told of invitations of a new room that could not be delivered. */
export type InvitationFailed = (failure: { roomId: string; userId: string; error: unknown }) => void

const MAX_INVITATIONS = 1000

/** Makes rooms and sends their first invitations. */
export class RoomCreation {
  readonly #creator: RoomCreator
  readonly #memberships: Memberships
  readonly #profile: MemberProfile
  readonly #invitePolicies: InvitePolicies
  readonly #invitationFailed: InvitationFailed

  constructor(parts: {
    creator: RoomCreator
    memberships: Memberships
    profile: MemberProfile
    invitePolicies: InvitePolicies
    invitationFailed: InvitationFailed
  }) {
    this.#creator = parts.creator
    this.#memberships = parts.memberships
    this.#profile = parts.profile
    this.#invitePolicies = parts.invitePolicies
    this.#invitationFailed = parts.invitationFailed
  }

  /**
   * Creates a room and invites people to it. The room is there even if somebody's server does not answer; they can be
   * invited again.
   *
   * @param options.invite sends an invitation; a plain one, if not given
   * @returns the room ID. Throws as `make`, `M_INVALID_PARAM` for bad user IDs, and
   * `M_INVITE_BLOCKED` if a user of this server does not want to be invited.
   */
  async create(
    room: NewRoom,
    options: { isDirect: boolean; invite?: (invitation: ChangeOfOther) => Promise<void> },
  ): Promise<string> {
    const { isDirect, invite = change => this.#memberships.invite(change) } = options
    const invited = [...new Set(room.invite)].filter(userId => userId !== room.creator)
    const bad = invited.find(userId => !isUserId(userId))
    if (bad !== undefined) throw new MatrixError('M_INVALID_PARAM', `${bad} is not a user ID`)
    if (invited.length > MAX_INVITATIONS) {
      throw new MatrixError('M_INVALID_PARAM', `A room may begin with at most ${MAX_INVITATIONS} invitations`)
    }
    // Users of other servers block nobody before their servers say so, and then the room is there.
    for (const userId of invited) await this.#invitePolicies.admit(userId, room.creator)
    const roomId = await this.make({ ...room, invite: invited })
    for (const userId of invited) {
      const content = isDirect ? { is_direct: true } : {}
      try {
        await invite({ sender: room.creator, userId, roomId, content })
      } catch (error) {
        this.#invitationFailed({ roomId, userId, error })
      }
    }
    return roomId
  }
  /**
   * Creates a room without inviting anybody: whom it names is only trusted, where the preset says so. Throws as
   * `RoomCreator.create`, and as `checkFirstState`.
   */
  async make(room: NewRoom, claim?: RoomClaim): Promise<string> {
    checkFirstState(room)
    const profile = await this.#profile(room.creator)
    return this.#creator.create(room, { ...profile, membership: 'join' }, claim)
  }
}
