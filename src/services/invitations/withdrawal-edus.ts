import type { Clock } from '../../core/clock.ts'
import { isEventId, isRoomId, isUserId, serverNameOf } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Database } from '../../storage/database.ts'
import { type EarlyWithdrawal, EarlyWithdrawals } from '../../storage/invitations/early-withdrawals.ts'
import type { InvitationRecord } from '../../storage/invitations/records.ts'
import type { OutgoingEdu, QueueEdu } from '../ephemeral/index.ts'
import type { InvitationFollower } from './follower.ts'
import type { InvitationRecords } from './records.ts'
import type { Withdrawal } from './withdrawal.ts'

/** The EDU by which inviters who may not kick withdraw an invitation to a user of another server; others ignore it. */
export const WITHDRAWAL_EDU = 'chat.tessera.invitation_withdrawn'

const DAY_MS = 24 * 60 * 60_000

/** The other servers, as far as invitations go beyond what Matrix has for them. */
export interface InvitationPeers {
  /** Whether a server knows our extensions. Throws `MatrixError` where that cannot be told now. */
  areOurs(server: string): Promise<boolean>
  readonly queueEdu: QueueEdu
}

/** Withdraws one, for the inviter. */
export const withdrawalEdu = ({ roomId, userId, inviter, eventId = '' }: InvitationRecord): OutgoingEdu => ({
  destinations: [serverNameOf(userId)],
  type: WITHDRAWAL_EDU,
  content: { room_id: roomId, sender: inviter, user_id: userId, event_id: eventId },
  keep: true,
  key: `${WITHDRAWAL_EDU} ${eventId}`,
})

/**
 * Carries out what inviters on other servers say of their own invitations. It is the invited user's server that rejects
 * them: no rule of the room lets an inviter without the power to kick do more than ask for it.
 */
export class WithdrawalEdus {
  readonly #database: Database
  readonly #early: EarlyWithdrawals
  readonly #records: InvitationRecords
  readonly #follower: InvitationFollower
  readonly #withdrawal: Withdrawal
  readonly #clock: Clock
  readonly #serverName: string

  constructor(parts: {
    database: Database
    records: InvitationRecords
    follower: InvitationFollower
    withdrawal: Withdrawal
    clock: Clock
    serverName: string
  }) {
    this.#database = parts.database
    this.#early = new EarlyWithdrawals(parts.database)
    this.#records = parts.records
    this.#follower = parts.follower
    this.#withdrawal = parts.withdrawal
    this.#clock = parts.clock
    this.#serverName = parts.serverName
    parts.follower.onInvited = eventIds => this.#catchUp(eventIds)
  }

  /** A withdrawal. What is not its sender's to withdraw is passed over; what it is about may still be on its way. */
  readonly receive = async (origin: string, content: JsonObject): Promise<void> => {
    const { room_id: roomId, sender: inviter, user_id: userId, event_id: eventId } = content
    if (typeof roomId !== 'string' || typeof inviter !== 'string' || typeof userId !== 'string') return
    if (typeof eventId !== 'string' || !isEventId(eventId) || !isRoomId(roomId)) return
    if (!isUserId(inviter) || serverNameOf(inviter) !== origin) return
    if (!isUserId(userId) || serverNameOf(userId) !== this.#serverName) return
    const withdrawal = { eventId, roomId, userId, inviter }
    await this.#follower.caughtUp()
    if (await this.#apply(withdrawal)) return
    // Written before it is looked again: whoever puts the invitation on record after that finds this.
    await this.#database.commit({ statements: this.#early.put(withdrawal, this.#clock.now()) })
    await this.#catchUp([eventId])
  }

  /** Forgets what has waited for an invitation in vain. */
  async tidy(): Promise<void> {
    await this.#database.commit({ statements: [this.#early.forgetBefore(this.#clock.now() - DAY_MS)] })
  }

  async #catchUp(eventIds: readonly string[]): Promise<void> {
    const early = await this.#early.of(eventIds)
    const done: string[] = []
    for (const withdrawal of early) if (await this.#apply(withdrawal)) done.push(withdrawal.eventId)
    if (done.length > 0) await this.#database.commit({ statements: [this.#early.remove(done)] })
  }

  /** @returns whether there is nothing more to do: the invitation is known, whatever has become of it */
  async #apply({ eventId, roomId, userId, inviter }: EarlyWithdrawal): Promise<boolean> {
    const record = await this.#records.read.one(roomId, userId)
    if (record?.eventId !== eventId) return false
    if (record.inviter === inviter && record.status === 'invited')
      await this.#withdrawal.byOwnWord(record, 'cancelled')
    return true
  }
}
