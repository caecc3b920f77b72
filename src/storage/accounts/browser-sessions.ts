import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** Reads who is signed in to the pages of this server in a browser. */
export class BrowserSessionReader {
  readonly #db: Reader
  readonly #user: Prepared

  constructor(db: Reader) {
    this.#db = db
    // A changed password, and a deactivation, end all of them.
    this.#user = db.prepare(
      `SELECT s.user_id, s.expires_ts, s.origin FROM browser_sessions s
       JOIN users u ON u.user_id = s.user_id AND u.credential_version = s.credential_version
       WHERE s.token_hash = ? AND s.expires_ts > ? AND u.deactivated_ts IS NULL`,
    )
  }

  /** Whose session this is, until when, and where it comes from, while it lasts. */
  async find(
    tokenHash: string,
    now: number,
  ): Promise<{ userId: string; expiresTs: number; origin: string | undefined } | undefined> {
    const row = await this.#db.get<{ user_id: string; expires_ts: number; origin: string | null }>(
      ...[this.#user, [tokenHash, now]],
    )
    return row && { userId: row.user_id, expiresTs: row.expires_ts, origin: row.origin ?? undefined }
  }
}

/** Builds the statements that change such sessions. Instants are milliseconds since 1970. */
export class BrowserSessionWriter {
  readonly #insert: Prepared
  readonly #delete: Prepared
  readonly #deleteFrom: Prepared
  readonly #prune: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      'INSERT INTO browser_sessions (token_hash, user_id, credential_version, expires_ts, origin) VALUES (?, ?, ?, ?, ?)',
    )
    this.#deleteFrom = db.prepare('DELETE FROM browser_sessions WHERE origin = ?')
    this.#delete = db.prepare('DELETE FROM browser_sessions WHERE token_hash = ?')
    this.#prune = db.prepare('DELETE FROM browser_sessions WHERE expires_ts <= ?')
  }

  /** Begins a session. @param session.origin the session at a provider with which it was begun */
  insert(session: {
    readonly tokenHash: string
    readonly userId: string
    readonly credentialVersion: number
    readonly expiresTs: number
    readonly origin: string | undefined
  }): WriteStatement {
    const { tokenHash, userId, credentialVersion, expiresTs, origin } = session
    return {
      prepared: this.#insert,
      rows: [[tokenHash, userId, credentialVersion, expiresTs, origin ?? null]],
    }
  }

  /** Ends a session. */
  delete(tokenHash: string): WriteStatement {
    return { prepared: this.#delete, rows: [[tokenHash]] }
  }

  /** Ends what was begun with sessions at providers. */
  deleteFrom(origins: readonly string[]): WriteStatement {
    return { prepared: this.#deleteFrom, rows: origins.map(origin => [origin]) }
  }

  /** Removes what has expired. */
  prune(now: number): WriteStatement {
    return { prepared: this.#prune, rows: [[now]] }
  }
}
