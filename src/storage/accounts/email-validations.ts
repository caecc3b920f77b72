import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** What the owner of an address wants to do with it: make an account, add it to theirs, or set a new password. */
export type EmailPurpose = 'register' | 'add' | 'password'

/** An attempt to show that somebody reads the mail of an address. Instants are milliseconds since 1970. */
export interface EmailValidation {
  readonly sid: string
  readonly purpose: EmailPurpose
  /** Canonical. */
  readonly address: string
  readonly secretHash: string
  readonly sendAttempt: number
  readonly nextLink: string | undefined
  readonly validatedTs: number | undefined
}

interface ValidationRow {
  sid: string
  purpose: EmailPurpose
  address: string
  secret_hash: string
  send_attempt: number
  next_link: string | null
  validated_ts: number | null
}

const SELECT = `SELECT sid, purpose, address, secret_hash, send_attempt, next_link, validated_ts FROM email_validations`

/** Reads validations that have not expired. */
export class EmailValidationReader {
  readonly #db: Reader
  readonly #bySid: Prepared
  readonly #bySecret: Prepared
  readonly #mails: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#bySid = db.prepare(`${SELECT} WHERE sid = ? AND expires_ts > ?`)
    this.#bySecret = db.prepare(
      `${SELECT} WHERE purpose = ? AND address = ? AND secret_hash = ? AND expires_ts > ?`,
    )
    this.#mails = db.prepare(
      'SELECT coalesce(sum(mails), 0) AS total FROM email_validations WHERE address = ? AND sent_ts > ?',
    )
  }

  /** By its session ID. */
  async bySid(sid: string, now: number): Promise<EmailValidation | undefined> {
    return validation(await this.#db.get<ValidationRow>(this.#bySid, [sid, now]))
  }

  /** The one that a client has begun before. */
  async bySecret(
    purpose: EmailPurpose,
    address: string,
    secretHash: string,
    now: number,
  ): Promise<EmailValidation | undefined> {
    return validation(await this.#db.get<ValidationRow>(this.#bySecret, [purpose, address, secretHash, now]))
  }

  /** How many mails went to an address in validations that sent one since then. */
  async mailsSince(address: string, since: number): Promise<number> {
    const row = await this.#db.get<{ total: number }>(this.#mails, [address, since])
    return Number(row?.total ?? 0)
  }
}

const validation = (row: ValidationRow | undefined): EmailValidation | undefined =>
  row && {
    sid: row.sid,
    purpose: row.purpose,
    address: row.address,
    secretHash: row.secret_hash,
    sendAttempt: row.send_attempt,
    nextLink: row.next_link ?? undefined,
    validatedTs: row.validated_ts ?? undefined,
  }

/** Builds the statements that change validations. */
export class EmailValidationWriter {
  readonly #clear: Prepared
  readonly #insert: Prepared
  readonly #attempt: Prepared
  readonly #unsent: Prepared
  readonly #validate: Prepared
  readonly #use: Prepared
  readonly #prune: Prepared

  constructor(db: Reader) {
    this.#clear = db.prepare(
      'DELETE FROM email_validations WHERE purpose = ? AND address = ? AND secret_hash = ? AND expires_ts <= ?',
    )
    this.#insert = db.prepare(
      `INSERT INTO email_validations (sid, purpose, address, secret_hash, send_attempt, next_link, mails, sent_ts,
         created_ts, expires_ts)
       VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?) ON CONFLICT (purpose, address, secret_hash) DO NOTHING`,
    )
    this.#attempt = db.prepare(
      `UPDATE email_validations SET send_attempt = ?, next_link = ?, mails = mails + 1, sent_ts = ?
       WHERE sid = ? AND send_attempt = ?`,
    )
    this.#unsent = db.prepare(
      'UPDATE email_validations SET send_attempt = ? WHERE sid = ? AND send_attempt = ?',
    )
    this.#validate = db.prepare(
      `UPDATE email_validations SET validated_ts = ?, expires_ts = ?
       WHERE sid = ? AND validated_ts IS NULL AND expires_ts > ?`,
    )
    this.#use = db.prepare('DELETE FROM email_validations WHERE sid = ? AND validated_ts IS NOT NULL')
    this.#prune = db.prepare(
      `DELETE FROM email_validations WHERE expires_ts <= ?
       OR created_ts < (SELECT created_ts FROM email_validations ORDER BY created_ts DESC LIMIT 1 OFFSET ?)`,
    )
  }

  /** Stores a new validation, whose first mail is about to go. Guard `attempt-made`: another request was first. */
  insert(
    validation: Omit<EmailValidation, 'validatedTs'>,
    { now, expiresTs }: { now: number; expiresTs: number },
  ): WriteStatement[] {
    const { sid, purpose, address, secretHash, sendAttempt, nextLink } = validation
    return [
      { prepared: this.#clear, rows: [[purpose, address, secretHash, now]] },
      {
        prepared: this.#insert,
        rows: [[sid, purpose, address, secretHash, sendAttempt, nextLink ?? null, now, now, expiresTs]],
        guard: { name: 'attempt-made', expected: 1 },
      },
    ]
  }

  /** Notes a further mail. Guard `attempt-made`: another request was first. */
  attempt(
    before: EmailValidation,
    sendAttempt: number,
    nextLink: string | undefined,
    now: number,
  ): WriteStatement {
    return {
      prepared: this.#attempt,
      rows: [[sendAttempt, nextLink ?? null, now, before.sid, before.sendAttempt]],
      guard: { name: 'attempt-made', expected: 1 },
    }
  }

  /** Takes an attempt back whose mail could not be sent, so that the client can make it again. */
  unsent(sid: string, sendAttempt: number, before: number): WriteStatement {
    return { prepared: this.#unsent, rows: [[before, sid, sendAttempt]] }
  }

  /** Notes that the address was validated. One that was before stays as it is. */
  validate(sid: string, now: number, expiresTs: number): WriteStatement {
    return { prepared: this.#validate, rows: [[now, expiresTs, sid, now]] }
  }

  /** Uses a validated address up. Guard `email-used`: somebody else did. */
  use(sid: string): WriteStatement {
    return { prepared: this.#use, rows: [[sid]], guard: { name: 'email-used', expected: 1 } }
  }

  /** Removes what has expired, and the oldest beyond `keep`. */
  prune(now: number, keep: number): WriteStatement {
    return { prepared: this.#prune, rows: [[now, keep - 1]] }
  }
}
