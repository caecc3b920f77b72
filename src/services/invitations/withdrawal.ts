import { levelTo, powerLevelOf } from '../../core/auth/power-levels.ts'
import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { serverNameOf } from '../../core/ids.ts'
import { termsOf } from '../../core/invitation-terms.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { InvitationRecord } from '../../storage/invitations/records.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import { stateLookup } from '../rooms/local-event.ts'
import type { Memberships } from '../rooms/memberships.ts'
import { powerContext } from '../rooms/redaction-effect.ts'
import type { RoomWriter } from '../rooms/room-writer.ts'
import type { InvitationFollower } from './follower.ts'
import type { InvitationRecords } from './records.ts'
import { ended, isOpen } from './status.ts'

const INVITES = { stream: 'invites', offset: 0 } as const

/** Rules by which nobody joins without an invitation. */
const CLOSED: ReadonlySet<unknown> = new Set(['invite', 'private', 'knock'])

/** Takes invitations back, and sees to it that what was taken back, or has expired, lets nobody in. */
export class Withdrawal {
  readonly #writer: RoomWriter
  readonly #memberships: Memberships
  readonly #records: InvitationRecords
  readonly #follower: InvitationFollower
  readonly #clock: Clock

  constructor(parts: {
    writer: RoomWriter
    memberships: Memberships
    records: InvitationRecords
    follower: InvitationFollower
    clock: Clock
  }) {
    this.#writer = parts.writer
    this.#memberships = parts.memberships
    this.#records = parts.records
    this.#follower = parts.follower
    this.#clock = parts.clock
  }

  /**
   * Withdraws an invitation, sent or still scheduled, for its inviter or for whoever may kick. An inviter who may not kick
   * still takes it back from users of this server.
   *
   * Throws `M_NOT_FOUND` where nothing is to be withdrawn, `M_FORBIDDEN`.
   */
  async cancel(by: string, roomId: string, userId: string): Promise<void> {
    await this.#follower.caughtUp()
    const record = await this.#records.read.one(roomId, userId)
    const mayKick = await this.#mayKick(by, roomId)
    if (record === undefined || !isOpen(record) || (record.inviter !== by && !mayKick)) {
      throw new MatrixError('M_NOT_FOUND', 'There is no invitation for you to withdraw')
    }
    if (record.status === 'scheduled') {
      await this.#records.change(record, ended('cancelled', this.#clock.now()))
      return
    }
    try {
      await this.#memberships.kick({ sender: by, userId, roomId })
    } catch (error) {
      const isRefused = error instanceof MatrixError && error.errcode === 'M_FORBIDDEN'
      const isOurs = serverNameOf(userId) === this.#writer.context.serverName
      if (!isRefused || !isOurs || record.inviter !== by) throw error
      await this.byOwnWord(record, 'cancelled')
    }
  }

  /** Ends an invitation on this server alone: it is shown no longer, and lets a user of this server in no longer. */
  async byOwnWord(
    record: InvitationRecord,
    status: 'expired' | 'cancelled',
    statements: readonly WriteStatement[] = [],
  ): Promise<void> {
    const { roomId, userId } = record
    const { write } = this.#writer.context
    const now = this.#clock.now()
    const settle = write.invitations.settle(userId, roomId, status, now, INVITES)
    await this.#records.change(record, ended(status, now), [...statements, settle])
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
    // Elsewhere other servers tell what was withdrawn.
    if (!isHere && invitation.status === 'cancelled') return
    const rules = isHere
      ? (await stateLookup(this.#writer.context, head, [JOIN_RULES]))('m.room.join_rules', '')?.content
      : contentOf(invitation.strippedState.find(({ type }) => type === 'm.room.join_rules'))
    if (!CLOSED.has(rules?.['join_rule'] ?? 'invite')) return
    throw new MatrixError('M_FORBIDDEN', `The invitation to this room ${end}`)
  }

  #endOf({ kind, status, event }: InvitationRow): string | undefined {
    if (kind !== 'invite') return undefined
    const { expiresTs } = termsOf(contentOf(event) ?? {})
    const isLate = expiresTs !== undefined && expiresTs <= this.#clock.now()
    if (status === 'expired' || (status === 'invited' && isLate)) return 'has expired'
    return status === 'cancelled' ? 'was withdrawn' : undefined
  }

  async #mayKick(userId: string, roomId: string): Promise<boolean> {
    const head = await this.#writer.head(roomId)
    if (head?.memberships.get(userId) !== 'join') return false
    const powers = { ...(await powerContext(this.#writer.context.read, head)), version: head.version }
    return powerLevelOf(userId, powers) >= levelTo('kick', powers)
  }
}

const JOIN_RULES = { type: 'm.room.join_rules', stateKey: '' }

const contentOf = (event: JsonObject | undefined): JsonObject | undefined => {
  const content = event?.['content']
  return isJsonObject(content) ? content : undefined
}
