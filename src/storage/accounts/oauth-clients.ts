import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** Reads registered clients of the OAuth 2.0 API. */
export class OAuthClientReader {
  readonly #db: Reader
  readonly #byId: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#byId = db.prepare('SELECT metadata FROM oauth_clients WHERE client_id = ?')
  }

  /** What a client has registered, as JSON. */
  async byId(clientId: string): Promise<string | undefined> {
    return (await this.#db.get<{ metadata: string }>(this.#byId, [clientId]))?.metadata
  }
}

/** Builds the statements that change registered clients. Instants are milliseconds since 1970. */
export class OAuthClientWriter {
  readonly #register: Prepared
  readonly #use: Prepared
  readonly #prune: Prepared

  constructor(db: Reader) {
    this.#register = db.prepare(
      `INSERT INTO oauth_clients (client_id, metadata, created_ts, used_ts) VALUES (?, ?, ?, ?)
       ON CONFLICT (client_id) DO UPDATE SET used_ts = excluded.used_ts`,
    )
    this.#use = db.prepare('UPDATE oauth_clients SET used_ts = ? WHERE client_id = ?')
    this.#prune = db.prepare(
      `DELETE FROM oauth_clients
       WHERE used_ts < coalesce((SELECT used_ts FROM oauth_clients WHERE used_ts >= ? ORDER BY used_ts DESC LIMIT 1 OFFSET ?), ?)
       AND (SELECT 1 FROM access_tokens t WHERE t.client_id = oauth_clients.client_id LIMIT 1) IS NULL`,
    )
  }

  /** Stores a client, or notes that it registers once more. */
  register(clientId: string, metadata: string, now: number): WriteStatement {
    return { prepared: this.#register, rows: [[clientId, metadata, now, now]] }
  }

  /** Notes that somebody wants to sign in with it. */
  use(clientId: string, now: number): WriteStatement {
    return { prepared: this.#use, rows: [[now, clientId]] }
  }

  /**
   * Removes clients without a session that were last used before an instant, or that are not among the `keep` used last: "The
   * server MUST NOT delete client registrations that have an active session".
   */
  prune(before: number, keep: number): WriteStatement {
    return { prepared: this.#prune, rows: [[before, keep - 1, before]] }
  }
}
