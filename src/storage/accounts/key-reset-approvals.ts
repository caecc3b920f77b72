import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** Builds the statements about users who have said, in a browser, that their cross-signing keys may be replaced. */
export class KeyResetApprovalWriter {
  readonly #approve: Prepared
  readonly #use: Prepared
  readonly #prune: Prepared

  constructor(db: Reader) {
    this.#approve = db.prepare(
      `INSERT INTO key_reset_approvals (user_id, device_id, expires_ts) VALUES (?, ?, ?)
       ON CONFLICT (user_id, device_id) DO UPDATE SET expires_ts = excluded.expires_ts`,
    )
    this.#use = db.prepare(
      'DELETE FROM key_reset_approvals WHERE user_id = ? AND device_id = ? AND expires_ts > ?',
    )
    this.#prune = db.prepare('DELETE FROM key_reset_approvals WHERE expires_ts <= ?')
  }

  /** Approves. @param deviceId from where; empty: from any device. */
  approve(userId: string, deviceId: string, expiresTs: number): WriteStatement {
    return { prepared: this.#approve, rows: [[userId, deviceId, expiresTs]] }
  }

  /** Uses an approval up. Guard `not-approved`. */
  use(userId: string, deviceId: string, now: number): WriteStatement {
    return {
      prepared: this.#use,
      rows: [[userId, deviceId, now]],
      guard: { name: 'not-approved', expected: 1 },
    }
  }

  /** Removes what has expired. */
  prune(now: number): WriteStatement {
    return { prepared: this.#prune, rows: [[now]] }
  }
}
