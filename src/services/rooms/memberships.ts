import { MatrixError } from '../../core/errors.ts'
import { isUserId, serverNameOf } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import type { SigningKey } from '../../core/signing.ts'
import { Declining } from './declining.ts'
import type { InvitePolicies } from './invite-policies.ts'
import { joinElsewhere } from './join-elsewhere.ts'
import { type ChangeOfOther, isDeserted, type OwnChange, othersIn, withReason } from './membership-content.ts'
import type { InvitationCheck, JoinCheck, LeaveCheck, MemberProfile, RemoteMemberships } from './ports.ts'
import { profileInRoom } from './profile-in-room.ts'
import { inviteRemotely } from './remote-invitation.ts'
import { restrictedJoin } from './restricted-join.ts'
import type { RoomHead } from './room-head.ts'
import { NobodyHere, type RoomSender, type SendOptions } from './room-sender.ts'
import type { RoomWriter } from './room-writer.ts'
import { serversToAsk } from './servers-to-ask.ts'
import { REFUSALS, type WrittenMembership, writtenMembership } from './written-membership.ts'

export type { ChangeOfOther, OwnChange } from './membership-content.ts'

/** Local users' memberships: joining, inviting, leaving and the rest, in rooms here and on other servers. */
export class Memberships {
  /** What is asked before a local user invites somebody, by whichever endpoint. */
  readonly invitationChecks: InvitationCheck[] = []
  /** What is asked before a local user joins. */
  readonly joinChecks: JoinCheck[] = []
  /** What is asked before a local user leaves, or declines an invitation. */
  readonly leaveChecks: LeaveCheck[] = []
  readonly declining: Declining
  readonly #writer: RoomWriter
  readonly #sender: RoomSender
  readonly #inviting: Parameters<typeof inviteRemotely>[0]
  readonly #profile: MemberProfile
  readonly #invitePolicies: InvitePolicies
  readonly #remote: RemoteMemberships
  readonly #joined: (userId: string, roomId: string) => Promise<void>

  constructor(parts: {
    writer: RoomWriter
    sender: RoomSender
    signingKey: SigningKey
    profile: MemberProfile
    invitePolicies: InvitePolicies
    remote: RemoteMemberships
    /** Told of every join that has succeeded. */
    joined: (userId: string, roomId: string) => Promise<void>
    log: Log
  }) {
    this.#writer = parts.writer
    this.#sender = parts.sender
    this.#inviting = parts
    this.#profile = parts.profile
    this.#invitePolicies = parts.invitePolicies
    this.#remote = parts.remote
    this.declining = new Declining({ context: parts.writer.context, remote: parts.remote, log: parts.log })
    this.#joined = parts.joined
  }

  /**
   * Joins a room: at once if this server is in it, otherwise through other servers.
   * Throws `M_FORBIDDEN` if the room does not let the user in, `M_NOT_FOUND` if no server could be asked.
   */
  async join(change: OwnChange): Promise<void> {
    await this.#join(change)
    await this.#joined(change.userId, change.roomId)
  }

  async #join(change: OwnChange): Promise<void> {
    const { userId, roomId } = change
    await this.checkJoin(change)
    const head = await this.#writer.head(roomId)
    const content = { ...(await this.#profile(userId)), ...withReason(change) }
    if (head === undefined || !(head.hasHost(this.#serverName) || isDeserted(head, this.#serverName)))
      return this.#joinRemotely(change, content, head)
    const membership = head.memberships.get(userId)
    if (membership === 'join') return
    const askOthers = () => this.#joinRemotely(change, content, head)
    // Whether they may is known to those who know all members.
    if (head.partial !== undefined && membership === undefined) return askOthers()
    const restricted = await restrictedJoin(this.#writer.context, head, userId)
    if (restricted.kind === 'elsewhere' || restricted.kind === 'refused') {
      const isUndecided = restricted.kind === 'elsewhere' || !restricted.certain
      if (isUndecided && othersIn(head, this.#serverName).length > 0) return askOthers()
      throw new MatrixError('M_FORBIDDEN', REFUSALS[restricted.kind])
    }
    const vouched =
      restricted.kind === 'authorised' ? { join_authorised_via_users_server: restricted.by } : {}
    await this.#setOwn(change, { ...content, ...vouched, membership: 'join' }, askOthers)
  }

  /**
   * Leaves a room, declines its invitation or takes back a knock. Leaving a room that one has left already does
   * nothing. Throws `M_FORBIDDEN` for who has nothing to leave, and as the checks say.
   */
  async leave(change: OwnChange): Promise<void> {
    const { userId, roomId } = change
    await this.checkLeave({ userId, roomId })
    const head = await this.#writer.head(roomId)
    const membership = head?.memberships.get(userId)
    if (head?.hasHost(this.#serverName) && membership !== undefined && membership !== 'leave')
      return this.#setOwn(change, { ...withReason(change), membership: 'leave' })
    // Also where this server is in the room: the inviter's may never have got our answer, and then no state has the invitation.
    const invitation = await this.#writer.context.read.invitations.one(userId, roomId)
    if (invitation?.status !== 'invited') {
      if (membership === 'leave' || invitation !== undefined) return
      // Bridges know by "not in room" that there is nothing left to leave.
      throw new MatrixError('M_FORBIDDEN', `You are not in room ${roomId}, nor invited to it`)
    }
    await this.declining.decline(change, invitation, head)
  }

  /** Asks to be let into a room. Throws `M_FORBIDDEN` if the room takes no knocks (from this user). */
  async knock(change: OwnChange): Promise<void> {
    const { userId, roomId } = change
    const head = await this.#writer.head(roomId)
    const content = { ...(await this.#profile(userId)), ...withReason(change) }
    const askOthers = async () => {
      const via = await serversToAsk(this.#writer.context, change, head)
      await this.#remote.knock({ userId, roomId, content, via })
    }
    const isHere = head?.hasHost(this.#serverName)
    await (isHere ? this.#setOwn(change, { ...content, membership: 'knock' }, askOthers) : askOthers())
  }

  /**
   * Invites a user. A user of another server is invited through that server first: if it refuses, nothing happens.
   * Throws `M_FORBIDDEN` (no right to invite, target joined or banned), `M_INVITE_BLOCKED`, `M_INVALID_PARAM` (no user ID).
   * @param isWanted asked once another server has answered, which may be late; what nobody wants any more is taken back
   */
  async invite(change: ChangeOfOther, isWanted: () => Promise<boolean> = async () => true): Promise<void> {
    const { sender, userId, roomId } = change
    await this.checkInvitation(change)
    const host = serverNameOf(userId)
    const profile = host === this.#serverName ? await this.#profile(userId) : {}
    const content = { ...profile, ...withReason(change), membership: 'invite' }
    const template = { type: 'm.room.member', sender, stateKey: userId, content }
    await this.#knowsMember(change)
    if (host === this.#serverName) await this.#sender.send(roomId, template)
    else if (!(await inviteRemotely(this.#inviting, roomId, template, isWanted)))
      await this.kick({ sender, userId, roomId }, 'invite')
  }

  /** What becomes of the content of a member event that a client has written. Throws `M_FORBIDDEN`, and as `checkShownAs`. */
  written(written: WrittenMembership): Promise<JsonObject> {
    return writtenMembership({ writer: this.#writer, profile: this.#profile }, written)
  }

  /** Whether an invitation may be tried at all, whatever the room says to it. Throws `M_INVALID_PARAM`, `M_INVITE_BLOCKED`, and as the checks say. */
  async checkInvitation(invitation: Pick<ChangeOfOther, 'sender' | 'userId' | 'roomId'>): Promise<void> {
    const { userId, sender } = invitation
    if (!isUserId(userId)) throw new MatrixError('M_INVALID_PARAM', `${userId} is not a user ID`)
    if (serverNameOf(userId) === this.#serverName) await this.#invitePolicies.admit(userId, sender)
    for (const check of this.invitationChecks) await check(invitation)
  }

  /** Whether a local user may try to join at all, whatever the room says to it. Throws as the checks say. */
  async checkJoin(join: Parameters<JoinCheck>[0]): Promise<void> {
    for (const check of this.joinChecks) await check(join)
  }

  /** Whether a local user may leave or decline, whatever the room says to it. Throws as the checks say. */
  async checkLeave(leave: { userId: string; roomId: string }): Promise<void> {
    for (const check of this.leaveChecks) await check(leave)
  }

  /**
   * Removes a user, withdraws an invitation or refuses a knock; where `only` one of these is meant, whoever has come in meanwhile stays.
   * Throws `M_FORBIDDEN`, and `M_BAD_STATE` for what is not meant.
   */
  async kick(change: ChangeOfOther, only?: 'invite'): Promise<void> {
    if (change.sender === change.userId) await this.checkLeave(change)
    await this.#setOther(change, { ...withReason(change), membership: 'leave' }, head => {
      const membership = head.memberships.get(change.userId)
      if (only !== undefined && membership !== only)
        throw new MatrixError('M_BAD_STATE', `${change.userId} is not invited to the room`)
      if (membership === undefined || membership === 'leave' || membership === 'ban') {
        throw new MatrixError('M_FORBIDDEN', `${change.userId} is not in the room`)
      }
    })
  }

  /** Bans a user. Throws `M_FORBIDDEN`. */
  async ban(change: ChangeOfOther): Promise<void> {
    await this.#knowsMember(change)
    // They keep name and picture, so that people still see who it was.
    const profile = await profileInRoom(this.#writer, change)
    await this.#setOther(change, { ...profile, ...withReason(change), membership: 'ban' })
  }

  /** Lifts a ban. Throws `M_FORBIDDEN`, and `M_BAD_STATE` (403) if there is none. */
  async unban(change: ChangeOfOther): Promise<void> {
    await this.#setOther(change, { ...withReason(change), membership: 'leave' }, head => {
      // Who is not in the room is not told who is banned from it: the rules refuse them. But nobody declines an invitation so.
      const isIn = change.sender === change.userId || head.memberships.get(change.sender) === 'join'
      if (!isIn || head.memberships.get(change.userId) === 'ban') return
      throw new MatrixError('M_BAD_STATE', `${change.userId} is not banned from the room`, { status: 403 })
    })
  }

  /** Forgets a room that the user has left. Throws `M_UNKNOWN` (400) while they are still in it. */
  async forget(userId: string, roomId: string): Promise<void> {
    const { read, write, db } = this.#writer.context
    const room = await read.rooms.byId(roomId)
    const membership = room && (await read.memberships.one(userId, room.nid))
    if (room === undefined || membership === undefined) return
    const result = await db.commit({ statements: [write.memberships.forget(userId, room.nid)] })
    if (!result.ok) {
      throw new MatrixError('M_UNKNOWN', 'You are still in this room: leave it first', { status: 400 })
    }
  }

  get #serverName(): string {
    return this.#writer.context.serverName
  }

  /** @param otherwise done instead where the last of this server's people was put out meanwhile, or left */
  async #setOwn(change: OwnChange, content: JsonObject, otherwise?: () => Promise<void>): Promise<void> {
    const { userId, roomId } = change
    const template = { type: 'm.room.member', sender: userId, stateKey: userId, content }
    await this.#sender.send(roomId, template).catch(async error => {
      if (otherwise === undefined || !(error instanceof NobodyHere)) throw error
      await otherwise()
    })
  }

  async #setOther(change: ChangeOfOther, content: JsonObject, check?: SendOptions['check']): Promise<void> {
    const { sender, userId, roomId } = change
    if (!isUserId(userId)) throw new MatrixError('M_INVALID_PARAM', `${userId} is not a user ID`)
    await this.#knowsMember(change)
    const template = { type: 'm.room.member', sender, stateKey: userId, content }
    await this.#sender.send(roomId, template, check === undefined ? {} : { check })
  }

  /** Where nothing is known of a user because the room lacks members, waits until it does not. */
  async #knowsMember({ roomId, userId }: ChangeOfOther): Promise<void> {
    const head = await this.#writer.head(roomId)
    if (head?.partial === undefined || head.memberships.has(userId)) return
    await this.#writer.context.partial.require(head.room.nid)
  }

  async #joinRemotely(change: OwnChange, content: JsonObject, head: RoomHead | undefined): Promise<void> {
    await joinElsewhere({ context: this.#writer.context, remote: this.#remote }, change, { content, head })
    // What the room is this server knows only now: whoever may not be in it leaves at once.
    await this.checkJoin({ userId: change.userId, roomId: change.roomId }).catch(async error => {
      if (error instanceof MatrixError) await this.#setOwn(change, { membership: 'leave' })
      throw error
    })
  }
}
