import type { Prepared, Reader, WriteStatement } from '../database.ts'
import type { DueTable } from '../due-rows.ts'

/** The messages to one address about what its owner has missed. Instants are milliseconds since 1970. */
export interface MailDigestRow {
  /** What the links hold by which the messages are ended. */
  readonly token: string
  readonly userId: string
  readonly address: string
  readonly sentTs: number
  /** So long after that the next goes out at the earliest. */
  readonly intervalMs: number
}

interface Columns {
  token: string
  user_id: string
  address: string
  sent_ts: number
  interval_ms: number
}

/** Where it stands when the next message is due. */
export const MAIL_DIGESTS: DueTable = { name: 'mail_digests', key: 'token' }

/** Reads to whom messages are due. */
export class MailDigestReader {
  readonly #db: Reader
  readonly #byToken: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#byToken = db.prepare(
      'SELECT token, user_id, address, sent_ts, interval_ms FROM mail_digests WHERE token = ?',
    )
  }

  async byToken(token: string): Promise<MailDigestRow | undefined> {
    const row = await this.#db.get<Columns>(this.#byToken, [token])
    return (
      row && {
        token: row.token,
        userId: row.user_id,
        address: row.address,
        sentTs: row.sent_ts,
        intervalMs: row.interval_ms,
      }
    )
  }
}

/** Builds the statements that say when the next message is due. */
export class MailDigestWriter {
  readonly #expect: Prepared
  readonly #next: Prepared
  readonly #sent: Prepared
  readonly #remove: Prepared

  constructor(db: Reader) {
    const next = `CASE WHEN mail_digests.sent_ts + mail_digests.interval_ms > excluded.due_ts
      THEN mail_digests.sent_ts + mail_digests.interval_ms ELSE excluded.due_ts END`
    this.#expect = db.prepare(
      `INSERT INTO mail_digests (token, user_id, address, sent_ts, interval_ms, due_ts, wake_ts)
       VALUES (?, ?, ?, 0, 0, ?, ?)
       ON CONFLICT (user_id, address) DO UPDATE SET due_ts = ${next}, wake_ts = ${next}
       WHERE mail_digests.wake_ts IS NULL RETURNING due_ts`,
    )
    this.#next = db.prepare(
      'UPDATE mail_digests SET due_ts = COALESCE(?, due_ts), wake_ts = ? WHERE token = ?',
    )
    this.#sent = db.prepare(
      'UPDATE mail_digests SET sent_ts = ?, interval_ms = ?, wake_ts = NULL WHERE token = ?',
    )
    this.#remove = db.prepare('DELETE FROM mail_digests WHERE token = ?')
  }

  /**
   * A message may be due at an instant, or as soon after it as one may be sent again; if one is expected already, nothing
   * changes. When, comes back as `due_ts` under `due`.
   *
   * @param token for an address that has none yet
   */
  expect(
    token: string,
    { userId, address }: Pick<MailDigestRow, 'userId' | 'address'>,
    at: number,
  ): WriteStatement {
    return { prepared: this.#expect, rows: [[token, userId, address, at, at]], returning: 'due' }
  }

  /** It is looked at again at an instant, or no more (`undefined`) until something is expected. */
  next(token: string, at: number | undefined): WriteStatement {
    return { prepared: this.#next, rows: [[at ?? null, at ?? null, token]] }
  }

  /** A message has been sent, and the next goes out so long after it. */
  sent(token: string, at: number, intervalMs: number): WriteStatement {
    return { prepared: this.#sent, rows: [[at, intervalMs, token]] }
  }

  remove(token: string): WriteStatement {
    return { prepared: this.#remove, rows: [[token]] }
  }
}
