import type { Prepared, Reader, WriteStatement } from '../database.ts'

/**
 * What a one-time token is good for: `setup` makes the first administrator, `login` logs its subject in, `nonce`
 * belongs to one registration by shared secret. `email` is the link to confirm an address, whose subject is a session; `address` says who was
 * sent that, having shown who they are. `openid` tells others who its subject is, as often as they ask.
 */
export type OneTimePurpose = 'setup' | 'login' | 'nonce' | 'openid' | 'email' | 'address'

/** A secret that is good for one use. Instants are milliseconds since 1970. */
export interface OneTimeToken {
  readonly tokenHash: string
  readonly purpose: OneTimePurpose
  /** Whom or what it concerns: a user ID, or a session. */
  readonly subject: string | undefined
  /** The session at a provider by which it was made, if it was by one. */
  readonly origin?: string | undefined
  /** Of its subject when it was made, where it logs them in. */
  readonly credentialVersion?: number | undefined
  readonly createdTs: number
  readonly expiresTs: number
}

interface TokenRow {
  subject: string | null
  origin: string | null
  credential_version: number | null
}

/** Reads one-time tokens. To look is not to use: what acts on one must redeem it in the same write set. */
export class OneTimeTokenReader {
  readonly #db: Reader
  readonly #find: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#find = db.prepare(
      'SELECT subject, origin, credential_version FROM one_time_tokens WHERE token_hash = ? AND purpose = ? AND expires_ts > ?',
    )
  }

  /** What an unused, unexpired token says, or `undefined` if there is no such token. */
  async find(
    tokenHash: string,
    purpose: OneTimePurpose,
    now: number,
  ): Promise<Pick<OneTimeToken, 'subject' | 'origin' | 'credentialVersion'> | undefined> {
    const row = await this.#db.get<TokenRow>(this.#find, [tokenHash, purpose, now])
    return (
      row && {
        subject: row.subject ?? undefined,
        origin: row.origin ?? undefined,
        credentialVersion: row.credential_version ?? undefined,
      }
    )
  }
}

/** Builds the statements that change one-time tokens. */
export class OneTimeTokenWriter {
  readonly #insert: Prepared
  readonly #redeem: Prepared
  readonly #revoke: Prepared
  readonly #deleteFrom: Prepared
  readonly #expire: Prepared
  readonly #bound: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO one_time_tokens (token_hash, purpose, subject, origin, credential_version, created_ts, expires_ts)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#redeem = db.prepare(
      'DELETE FROM one_time_tokens WHERE token_hash = ? AND purpose = ? AND expires_ts > ?',
    )
    this.#revoke = db.prepare('DELETE FROM one_time_tokens WHERE purpose = ?')
    this.#deleteFrom = db.prepare('DELETE FROM one_time_tokens WHERE origin = ?')
    this.#expire = db.prepare('DELETE FROM one_time_tokens WHERE purpose = ? AND expires_ts <= ?')
    this.#bound = db.prepare(
      `DELETE FROM one_time_tokens WHERE purpose = ? AND created_ts <
         (SELECT created_ts FROM one_time_tokens WHERE purpose = ? ORDER BY created_ts DESC LIMIT 1 OFFSET ?)`,
    )
  }

  /** Stores a token. Expired ones of the purpose go, and the oldest beyond `keep`. */
  insert(token: OneTimeToken, keep: number): WriteStatement[] {
    const { tokenHash, purpose, subject, origin, credentialVersion, createdTs, expiresTs } = token
    return [
      { prepared: this.#expire, rows: [[purpose, createdTs]] },
      {
        prepared: this.#insert,
        rows: [
          [
            tokenHash,
            purpose,
            subject ?? null,
            origin ?? null,
            credentialVersion ?? null,
            createdTs,
            expiresTs,
          ],
        ],
      },
      { prepared: this.#bound, rows: [[purpose, purpose, keep - 1]] },
    ]
  }

  /** Uses a token up. Guard `token-refused`: unknown, used or expired. */
  redeem(tokenHash: string, purpose: OneTimePurpose, now: number): WriteStatement {
    return {
      prepared: this.#redeem,
      rows: [[tokenHash, purpose, now]],
      guard: { name: 'token-refused', expected: 1 },
    }
  }

  /** Withdraws what was made with sessions at providers. */
  deleteFrom(origins: readonly string[]): WriteStatement {
    return { prepared: this.#deleteFrom, rows: origins.map(origin => [origin]) }
  }

  /** Withdraws all tokens of a purpose. */
  revokeAll(purpose: OneTimePurpose): WriteStatement {
    return { prepared: this.#revoke, rows: [[purpose]] }
  }
}
