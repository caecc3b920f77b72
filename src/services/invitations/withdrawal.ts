import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { serverNameOf } from '../../core/ids.ts'
import { EXPIRED, termsOf, WITHDRAWN } from '../../core/invitation-terms.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { InvitationRecord } from '../../storage/invitations/records.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import type { Requester } from '../requester.ts'
import { ownEnding } from '../rooms/invitation-ending.ts'
import { mayAsMember } from '../rooms/member-power.ts'
import type { Memberships } from '../rooms/memberships.ts'
import type { RoomWriter } from '../rooms/room-writer.ts'
import { suspended } from '../rooms/sending.ts'
import { stateLookup } from '../rooms/state-lookup.ts'
import type { InvitationFollower } from './follower.ts'
import type { InvitationRecords } from './records.ts'
import { ended, endedUntold, type InvitationChange, isOpen } from './status.ts'
import { type InvitationPeers, withdrawalEdu } from './withdrawal-edus.ts'

const INVITES = { stream: 'invites', offset: 0 } as const

/** So long (ms) the server of the inviter has for telling the room itself that an invitation has expired. */
const GRACE_MS = 10 * 60_000

/** Rules by which nobody joins without an invitation. */
const CLOSED: ReadonlySet<unknown> = new Set(['invite', 'private', 'knock'])

/** Takes invitations back, and sees to it that what was taken back, or has expired, lets nobody in. */
export class Withdrawal {
  readonly #writer: RoomWriter
  readonly #memberships: Memberships
  readonly #records: InvitationRecords
  readonly #follower: InvitationFollower
  readonly #clock: Clock
  readonly #peers: InvitationPeers

  constructor(parts: {
    writer: RoomWriter
    memberships: Memberships
    records: InvitationRecords
    follower: InvitationFollower
    clock: Clock
    peers: InvitationPeers
  }) {
    this.#writer = parts.writer
    this.#memberships = parts.memberships
    this.#records = parts.records
    this.#follower = parts.follower
    this.#clock = parts.clock
    this.#peers = parts.peers
  }

  /**
   * Withdraws an invitation, sent or still scheduled, for its inviter or for whoever may kick. Where the inviter may not
   * kick, the server of the invited user does it on that user's behalf: this one, or another that knows our extensions.
   *
   * Throws `M_NOT_FOUND` where nothing is to be withdrawn, `M_FORBIDDEN`, `M_USER_SUSPENDED` (of others' invitations), and as the
   * question to another server ends.
   */
  async cancel(
    { userId: by, isSuspended }: Pick<Requester, 'userId' | 'isSuspended'>,
    roomId: string,
    userId: string,
  ): Promise<void> {
    await this.#follower.caughtUp()
    const record = await this.#records.read.one(roomId, userId)
    const mayKick = await mayAsMember(this.#writer, { userId: by, roomId }, 'kick')
    if (record === undefined || !isOpen(record) || (record.inviter !== by && !mayKick)) {
      throw nothingToWithdraw()
    }
    if (isSuspended === true && record.inviter !== by) throw suspended()
    if (record.status === 'scheduled') {
      await this.#records.change(record, ended('cancelled', this.#clock.now()))
      return
    }
    try {
      await this.#memberships.kick({ sender: by, userId, roomId }, 'invite')
    } catch (error) {
      // Accepted or declined at this very moment.
      if (error instanceof MatrixError && error.errcode === 'M_BAD_STATE') throw nothingToWithdraw()
      const isRefused = error instanceof MatrixError && error.errcode === 'M_FORBIDDEN'
      if (!isRefused || record.inviter !== by) throw error
      if (!this.#isLocal(userId)) await this.#ask(record)
      await this.byOwnWord(record, 'cancelled')
    }
  }

  /**
   * Ends an invitation at this server's word: it is shown no longer, and lets a user of this server in no longer. The room is
   * told on that user's behalf: at once of what the inviter has withdrawn; of what has expired a while later where the
   * inviter's server is another one, which will mostly have done so.
   *
   * @returns whether it was ended by this.
   */
  async byOwnWord(
    record: InvitationRecord,
    status: 'expired' | 'cancelled',
    statements: readonly WriteStatement[] = [],
  ): Promise<boolean> {
    const { roomId, userId, eventId, inviter } = record
    const { write } = this.#writer.context
    const now = this.#clock.now()
    const leave = status === 'expired' ? EXPIRED : WITHDRAWN
    const settled =
      eventId === undefined
        ? []
        : [
            write.invitations.settleEvent(
              { userId, roomId, eventId },
              { status, now, position: INVITES, ending: ownEnding({ userId, eventId }, leave, now) },
            ),
          ]
    const isTheirs = status === 'expired' && !this.#isLocal(inviter)
    const change =
      eventId !== undefined && this.#isLocal(userId)
        ? endedUntold(status, now, {
            leave,
            dueTs: isTheirs ? now + GRACE_MS : now,
          })
        : ended(status, now)
    const isSame: InvitationChange = found => (found?.eventId === eventId ? change(found) : undefined)
    const changed = await this.#records.change(record, isSame, [...statements, ...settled])
    return changed !== undefined
  }

  /**
   * Refuses a join that only an invitation would allow which is over, though the room does not say so. Throws `M_FORBIDDEN`.
   */
  async checkJoin({ userId, roomId }: { readonly userId: string; readonly roomId: string }): Promise<void> {
    const { read } = this.#writer.context
    const invitation = await read.invitations.one(userId, roomId)
    const end = invitation && this.#endOf(invitation)
    if (invitation === undefined || end === undefined) return
    const head = await this.#writer.head(roomId)
    const isHere = head?.hasHost(this.#writer.context.serverName) === true
    // Where this server is in the room, the room tells who else may join, and whom another invitation lets in.
    const member = isHere ? head.memberships.get(userId) : undefined
    const isOther = head?.entry('m.room.member', userId)?.eventId !== invitation.eventId
    if (isHere && member !== 'leave' && isOther) return
    // Elsewhere other servers tell what was withdrawn, once they know.
    if (!isHere && invitation.status === 'cancelled' && !(await this.#isUntold(roomId, userId))) return
    const rules = isHere
      ? (await stateLookup(this.#writer.context, head, [JOIN_RULES]))('m.room.join_rules', '')?.content
      : contentOf(invitation.strippedState.find(({ type }) => type === 'm.room.join_rules'))
    if (!CLOSED.has(rules?.['join_rule'] ?? 'invite')) return
    throw new MatrixError('M_FORBIDDEN', `The invitation to this room ${end}`)
  }

  async #isUntold(roomId: string, userId: string): Promise<boolean> {
    return (await this.#records.read.one(roomId, userId))?.details.untold !== undefined
  }

  #endOf({ kind, status, event }: InvitationRow): string | undefined {
    if (kind !== 'invite') return undefined
    const { expiresTs } = termsOf(contentOf(event) ?? {})
    const isLate = expiresTs !== undefined && expiresTs <= this.#clock.now()
    if (status === 'expired' || (status === 'invited' && isLate)) return 'has expired'
    return status === 'cancelled' ? 'was withdrawn' : undefined
  }

  /** Asks the server of the invited user, if that knows how to take back what its inviter may not kick. */
  async #ask(record: InvitationRecord): Promise<void> {
    const server = serverNameOf(record.userId)
    if (!(await this.#peers.areOurs(server))) {
      throw new MatrixError(
        'M_FORBIDDEN',
        `You may not kick in this room, and ${server} takes no invitation back at its inviter's word`,
      )
    }
    await this.#peers.queueEdu(withdrawalEdu(record))
  }

  #isLocal(userId: string): boolean {
    return serverNameOf(userId) === this.#writer.context.serverName
  }
}

const nothingToWithdraw = (): MatrixError =>
  new MatrixError('M_NOT_FOUND', 'There is no invitation for you to withdraw')

const JOIN_RULES = { type: 'm.room.join_rules', stateKey: '' }

const contentOf = (event: JsonObject | undefined): JsonObject | undefined => {
  const content = event?.['content']
  return isJsonObject(content) ? content : undefined
}
