import type { Database, Prepared, WriteStatement } from '../database.ts'

/** A withdrawal that came before the invitation it is about. */
export interface EarlyWithdrawal {
  /** The member event that is going to invite. */
  readonly eventId: string
  readonly roomId: string
  readonly userId: string
  /** Who withdraws, and has to be who invites. */
  readonly inviter: string
}

/** So many are kept, whoever sends them: the oldest go. */
const MAX_KEPT = 10_000

/** Keeps withdrawals of other servers until what they are about is here. */
export class EarlyWithdrawals {
  readonly #db: Database
  readonly #of: Prepared
  readonly #put: Prepared
  readonly #remove: Prepared
  readonly #bound: Prepared
  readonly #forget: Prepared

  constructor(db: Database) {
    this.#db = db
    this.#of = db.prepare(
      `SELECT event_id AS "eventId", room_id AS "roomId", user_id AS "userId", inviter FROM early_withdrawals
       WHERE ${db.dialect.inText('event_id')}`,
    )
    this.#put = db.prepare(
      `INSERT INTO early_withdrawals (event_id, room_id, user_id, inviter, received_ts) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (event_id, inviter) DO NOTHING`,
    )
    this.#remove = db.prepare('DELETE FROM early_withdrawals WHERE event_id = ?')
    this.#bound = db.prepare(
      `DELETE FROM early_withdrawals WHERE received_ts < (
         SELECT received_ts FROM early_withdrawals ORDER BY received_ts DESC LIMIT 1 OFFSET ?)`,
    )
    this.#forget = db.prepare('DELETE FROM early_withdrawals WHERE received_ts < ?')
  }

  /** Those that are about some member events. */
  of(eventIds: readonly string[]): Promise<EarlyWithdrawal[]> {
    return this.#db.all<EarlyWithdrawal>(this.#of, [this.#db.list(eventIds)])
  }

  put(withdrawal: EarlyWithdrawal, now: number): WriteStatement[] {
    const { eventId, roomId, userId, inviter } = withdrawal
    return [
      { prepared: this.#put, rows: [[eventId, roomId, userId, inviter, now]] },
      { prepared: this.#bound, rows: [[MAX_KEPT - 1]] },
    ]
  }

  remove(eventIds: readonly string[]): WriteStatement {
    return { prepared: this.#remove, rows: eventIds.map(eventId => [eventId]) }
  }

  /** Removes what came before an instant. */
  forgetBefore(ts: number): WriteStatement {
    return { prepared: this.#forget, rows: [[ts]] }
  }
}
