import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { isUserId, serverNameOf } from '../../core/ids.ts'
import { forEachBounded } from '../bounded.ts'
import type { Directory } from './directory.ts'
import { inviteFirst } from './first-invitations.ts'
import type { InvitePolicies } from './invite-policies.ts'
import type { ChangeOfOther, Memberships } from './memberships.ts'
import type { MemberProfile } from './ports.ts'
import { refuseWhereClosed } from './remote-invitation.ts'
import type { RoomClaim, RoomCreator } from './room-creator.ts'
import { type RoomDefaults, withDefaults } from './room-defaults.ts'
import type { NewRoom } from './room-templates.ts'
import { checkFirstState } from './state-content.ts'

/** Told of invitations of a new room that could not be delivered. */
export type InvitationFailed = (failure: { roomId: string; userId: string; error: unknown }) => void

const MAX_INVITATIONS = 1000
/** All of it is made, and committed, for one request. */
const MAX_STATE = 5_000

/** Invitations that are kept for later at the same time: they share commits. */
const KEPT_AT_ONCE = 50

/** With these a room is not created: it would begin without those for whom it was made. */
const REFUSALS: ReadonlySet<unknown> = new Set(['M_INVITE_BLOCKED', 'M_UNSUPPORTED_ROOM_VERSION'])

const isFinal = (error: unknown): boolean => error instanceof MatrixError && REFUSALS.has(error.errcode)

/** Makes rooms and sends their first invitations. */
export class RoomCreation {
  readonly #clock: Pick<Clock, 'sleep'>
  readonly #creator: RoomCreator
  readonly #memberships: Memberships
  readonly #directory: Pick<Directory, 'remove'>
  readonly #profile: MemberProfile
  readonly #invitePolicies: InvitePolicies
  readonly #invitationFailed: InvitationFailed
  readonly #defaults: RoomDefaults | undefined

  constructor(parts: {
    clock: Pick<Clock, 'sleep'>
    creator: RoomCreator
    memberships: Memberships
    directory: Pick<Directory, 'remove'>
    profile: MemberProfile
    invitePolicies: InvitePolicies
    invitationFailed: InvitationFailed
    defaults?: RoomDefaults | undefined
  }) {
    this.#defaults = parts.defaults
    this.#clock = parts.clock
    this.#creator = parts.creator
    this.#memberships = parts.memberships
    this.#directory = parts.directory
    this.#profile = parts.profile
    this.#invitePolicies = parts.invitePolicies
    this.#invitationFailed = parts.invitationFailed
  }

  /**
   * Creates a room and invites people to it. The room is there even if somebody's server does not answer; they can be
   * invited again, or are once it does.
   *
   * @param options.invite sends an invitation; a plain one, if not given
   * @param options.unsent told of each that is not sent, or not yet (no error)
   * @returns the room ID. Throws as `make`, `M_INVALID_PARAM` for bad user IDs, `M_FORBIDDEN` for those whom it would be closed to,
   * `M_INVITE_BLOCKED` if a user does not want to be invited, and `M_UNSUPPORTED_ROOM_VERSION` if a user's server does not know
   * the room's version. There is no room then.
   */
  async create(
    room: NewRoom,
    options: {
      isDirect: boolean
      invite?: (invitation: ChangeOfOther) => Promise<void>
      unsent?: (invitation: ChangeOfOther, error: unknown) => Promise<void>
    },
  ): Promise<string> {
    const { isDirect, invite = change => this.#memberships.invite(change), unsent } = options
    const invited = [...new Set(room.invite)].filter(userId => userId !== room.creator)
    const bad = invited.find(userId => !isUserId(userId))
    if (bad !== undefined) throw new MatrixError('M_INVALID_PARAM', `${bad} is not a user ID`)
    if (invited.length > MAX_INVITATIONS) {
      throw new MatrixError('M_INVALID_PARAM', `A room may begin with at most ${MAX_INVITATIONS} invitations`)
    }
    const isHere = (userId: string): boolean => serverNameOf(userId) === serverNameOf(room.creator)
    if (!invited.every(isHere)) refuseWhereClosed(room.creationContent)
    // Users of other servers block nobody before their servers say so, and then the room is there: they are asked first.
    for (const userId of invited) await this.#invitePolicies.admit(userId, room.creator)
    const roomId = await this.make({ ...room, invite: invited })
    const content = isDirect ? { is_direct: true } : {}
    const invitationOf = (userId: string): ChangeOfOther => ({
      ...{ sender: room.creator, userId, roomId, content },
    })
    const failedLate = (userId: string, error: unknown): void =>
      this.#invitationFailed({ roomId, userId, error })
    const told = await inviteFirst(invited, {
      ...{ clock: this.#clock, serverName: serverNameOf(room.creator), isFinal, failedLate },
      // Whoever was told of them may have withdrawn them by then.
      leavesLate: unsent !== undefined,
      invite: userId => invite(invitationOf(userId)),
    })
    const refusal = told.failed.values().find(isFinal)
    if (refusal !== undefined) {
      await this.#takeBack(room, roomId, told.invited)
      throw refusal
    }
    for (const [userId, error] of told.failed) this.#invitationFailed({ roomId, userId, error })
    const others = [...new Set(invited).difference(new Set(told.invited))]
    await forEachBounded(others, KEPT_AT_ONCE, async userId => {
      await unsent?.(invitationOf(userId), told.failed.get(userId)).catch(error => failedLate(userId, error))
    })
    return roomId
  }

  /** What was begun is undone as far as it can be: nobody is left in the room or invited to it, and its alias is free. */
  async #takeBack({ creator, alias }: NewRoom, roomId: string, invited: readonly string[]): Promise<void> {
    for (const userId of invited) {
      try {
        await this.#memberships.kick({ sender: creator, userId, roomId })
      } catch (error) {
        this.#invitationFailed({ roomId, userId, error })
      }
    }
    if (alias !== undefined) await this.#directory.remove({ userId: creator, isInControl: true }, alias)
    await this.#memberships.leave({ userId: creator, roomId })
    await this.#memberships.forget(creator, roomId)
  }

  /**
   * Creates a room without inviting anybody: whom it names is only trusted, where the preset says so. What the operator wants
   * of new rooms holds where it says nothing else. Throws as `RoomCreator.create`, and as `checkFirstState`.
   */
  async make(room: NewRoom, claim?: RoomClaim): Promise<string> {
    checkFirstState(room)
    if (room.initialState.length > MAX_STATE)
      throw new MatrixError('M_INVALID_PARAM', `A room may begin with at most ${MAX_STATE} state events`)
    const profile = await this.#profile(room.creator)
    const complete = this.#defaults === undefined ? room : withDefaults(room, this.#defaults)
    return this.#creator.create(complete, { ...profile, membership: 'join' }, claim)
  }
}
