import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { serverNameOf } from '../../core/ids.ts'
import { EXPIRED } from '../../core/invitation-terms.ts'
import type { Log } from '../../core/log.ts'
import type { DueRows, HeldRow } from '../../storage/due-rows.ts'
import type { StoredInvitation } from '../../storage/invitations/records.ts'
import { DueWork } from '../due-work.ts'
import { isPassing } from '../passing.ts'
import type { Memberships } from '../rooms/memberships.ts'
import type { RoomWriter } from '../rooms/room-writer.ts'
import { addressOf } from './address-invitations.ts'
import type { UntoldAnswers } from './answers.ts'
import type { InvitationFollower } from './follower.ts'
import type { InvitationRecords } from './records.ts'
import { retryAt } from './retries.ts'
import { failureOf, type InvitationSending } from './sending.ts'
import { ended } from './status.ts'
import type { Withdrawal } from './withdrawal.ts'

/** Delivers scheduled invitations when their time comes, ends those whose time is over, and brings late answers. */
export class DueInvitations {
  readonly work: DueWork
  readonly #writer: RoomWriter
  readonly #memberships: Memberships
  readonly #records: InvitationRecords
  readonly #follower: InvitationFollower
  readonly #sending: InvitationSending
  readonly #withdrawal: Withdrawal
  readonly #answers: UntoldAnswers
  readonly #clock: Clock
  readonly #log: Log

  constructor(parts: {
    writer: RoomWriter
    memberships: Memberships
    records: InvitationRecords
    follower: InvitationFollower
    sending: InvitationSending
    withdrawal: Withdrawal
    answers: UntoldAnswers
    clock: Clock
    log: Log
  }) {
    const { clock, log } = parts
    this.#writer = parts.writer
    this.#memberships = parts.memberships
    this.#records = parts.records
    this.#follower = parts.follower
    this.#sending = parts.sending
    this.#withdrawal = parts.withdrawal
    this.#answers = parts.answers
    this.#clock = clock
    this.#log = log
    this.work = new DueWork({
      ...{ database: parts.writer.context.db, clock, log },
      // Each in a lane of its own: a server that does not answer holds up nobody else's.
      table: { name: 'invitation_records', key: 'record_id', lane: 'record_id' },
      perform: (row, rows) => this.#perform(row, rows),
    })
    parts.records.onDue = dueTs => this.work.expect(dueTs)
  }

  async #perform(row: HeldRow, rows: DueRows): Promise<void> {
    // What was sent before a crash is known by now, and is not sent again.
    await this.#follower.caughtUp()
    const record = await this.#records.read.byId(row.key)
    if (record?.dueTs === undefined || record.dueTs > this.#clock.now()) return
    const isHeld = addressOf(record.userId) !== undefined
    if (record.status === 'scheduled' && !isHeld) await this.#deliver(record, row, rows)
    else if (record.details.untold !== undefined) await this.#answers.tell(record, row, rows)
    else await this.#expire(record, row, rows)
  }

  async #deliver(record: StoredInvitation, row: HeldRow, rows: DueRows): Promise<void> {
    const { userId } = record
    const held = [rows.stillHeld(row)]
    const { roomId, membership } = await this.#sending.destination(record, userId)
    if (membership === 'join') {
      await this.#records.change(record, ended('accepted', this.#clock.now()), held)
      return
    }
    const isElsewhere = roomId !== record.roomId
    if (isElsewhere && (membership === 'invite' || (await this.#isSent(record, roomId)))) {
      await this.#records.remove(record)
      return
    }
    try {
      await this.#sending.deliver(record, userId, roomId)
      await this.#follower.caughtUp()
      // It is one into the room that has replaced its own now.
      if (isElsewhere && (await this.#records.remove(record))) return
      await this.#takeBackIfCancelled(record, roomId)
    } catch (error) {
      const now = this.#clock.now()
      const isLate = record.expiresTs !== undefined && record.expiresTs <= now
      const again = isPassing(error) && !isLate ? retryAt(row.dueTs, now) : undefined
      if (again !== undefined) return this.#records.postpone(record, again, held)
      const failure = failureOf(error)
      this.#log.info({ room: roomId, user: userId, err: error }, 'a scheduled invitation was not delivered')
      await this.#records.change(record, ended('cancelled', now, { failure }), held)
    }
  }

  /** Whether it was sent into a room by a run that was cut short, whatever has become of it there. */
  async #isSent({ recordId, userId, details }: StoredInvitation, roomId: string): Promise<boolean> {
    const sent = await this.#records.read.one(roomId, userId)
    return sent !== undefined && sent.recordId !== recordId && sent.details.uid === (details.uid ?? recordId)
  }

  /** A plan that was cancelled while it was being carried out has become no invitation; what was sent is one of its own. */
  async #takeBackIfCancelled(record: StoredInvitation, roomId: string): Promise<void> {
    const { recordId, userId, inviter } = record
    const { read } = this.#records
    if (roomId !== record.roomId && (await read.byId(recordId))?.status !== 'cancelled') return
    if ((await read.one(roomId, userId))?.status !== 'invited' || !(await this.#isSent(record, roomId)))
      return
    try {
      await this.#withdrawal.cancel({ userId: inviter }, roomId, userId)
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error
      this.#log.info({ room: roomId, user: userId, err: error }, 'an invitation was cancelled too late')
    }
  }

  /** On the inviter's behalf where that is a local user; else by this server's clock. */
  async #expire(record: StoredInvitation, row: HeldRow, rows: DueRows): Promise<void> {
    const { roomId, userId, inviter } = record
    const { serverName } = this.#writer.context
    const head = await this.#writer.head(roomId)
    if (serverNameOf(inviter) === serverName && head?.memberships.get(userId) === 'invite') {
      try {
        const reason = 'The invitation has expired'
        await this.#memberships.kick({ sender: inviter, userId, roomId, reason, content: EXPIRED }, 'invite')
        await this.#follower.caughtUp()
        return
      } catch (error) {
        // Accepted or declined at this very moment, which is on record before it is looked at again.
        if (error instanceof MatrixError && error.errcode === 'M_BAD_STATE') return
        if (isPassing(error)) throw error
        // Whoever may invite may not always take it back: the clocks of both sides do.
        this.#log.debug({ room: roomId, user: userId, err: error }, 'an invitation expires by the clock only')
      }
    }
    await this.#withdrawal.byOwnWord(record, 'expired', [rows.stillHeld(row)])
  }
}
