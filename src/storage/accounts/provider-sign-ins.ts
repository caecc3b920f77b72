import type { JsonObject } from '../../core/json.ts'
import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** A sign-in with a provider that is on the way, in one browser. Instants are milliseconds since 1970. */
export interface ProviderSignIn {
  readonly tokenHash: string
  readonly provider: string
  readonly browserHash: string
  readonly details: JsonObject
  readonly createdTs: number
  readonly expiresTs: number
}

/** Reads sign-ins on the way. What acts on one must use it up in the same write set. */
export class ProviderSignInReader {
  readonly #db: Reader
  readonly #find: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#find = db.prepare(
      'SELECT provider, details FROM provider_sign_ins WHERE token_hash = ? AND browser_hash = ? AND expires_ts > ?',
    )
  }

  /** One that has not expired, of this browser. */
  async find(
    tokenHash: string,
    browserHash: string,
    now: number,
  ): Promise<Pick<ProviderSignIn, 'provider' | 'details'> | undefined> {
    const row = await this.#db.get<{ provider: string; details: string }>(this.#find, [
      tokenHash,
      browserHash,
      now,
    ])
    return row && { provider: row.provider, details: JSON.parse(row.details) as JsonObject }
  }
}

/** Builds the statements that change them. */
export class ProviderSignInWriter {
  readonly #insert: Prepared
  readonly #use: Prepared
  readonly #expire: Prepared
  readonly #bound: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO provider_sign_ins (token_hash, provider, browser_hash, details, created_ts, expires_ts)
       VALUES (?, ?, ?, ?, ?, ?)`,
    )
    this.#use = db.prepare('DELETE FROM provider_sign_ins WHERE token_hash = ?')
    this.#expire = db.prepare('DELETE FROM provider_sign_ins WHERE created_ts <= ?')
    this.#bound = db.prepare(
      `DELETE FROM provider_sign_ins WHERE created_ts <
         (SELECT created_ts FROM provider_sign_ins ORDER BY created_ts DESC LIMIT 1 OFFSET ?)`,
    )
  }

  /** Stores one. */
  insert(signIn: ProviderSignIn): WriteStatement {
    const { tokenHash, provider, browserHash, details, createdTs, expiresTs } = signIn
    return {
      prepared: this.#insert,
      rows: [[tokenHash, provider, browserHash, JSON.stringify(details), createdTs, expiresTs]],
    }
  }

  /** Uses one up. Guard `sign-in-used`: somebody else did. */
  use(tokenHash: string): WriteStatement {
    return { prepared: this.#use, rows: [[tokenHash]], guard: { name: 'sign-in-used', expected: 1 } }
  }

  /** Removes what was begun before an instant, and the oldest beyond `keep`. */
  prune(before: number, keep: number): WriteStatement[] {
    return [
      { prepared: this.#expire, rows: [[before]] },
      { prepared: this.#bound, rows: [[keep - 1]] },
    ]
  }
}
