import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** A user's presence as it was when it was last written down. Instants are milliseconds since 1970. */
export interface StoredPresence {
  readonly userId: string
  readonly presence: 'online' | 'unavailable' | 'offline'
  readonly statusMsg: string | undefined
  readonly lastActiveTs: number
  readonly updatedTs: number
}

interface PresenceColumns {
  user_id: string
  presence: StoredPresence['presence']
  status_msg: string | null
  last_active_ts: number
  updated_ts: number
}

/** Reads what was written down of presence. */
export class PresenceReader {
  readonly #db: Reader
  readonly #newest: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#newest = db.prepare(
      `SELECT user_id, presence, status_msg, last_active_ts, updated_ts FROM presence
       ORDER BY updated_ts DESC LIMIT ?`,
    )
  }

  /** The users whose presence changed last, newest first. */
  async newest(limit: number): Promise<StoredPresence[]> {
    const rows = await this.#db.scan<PresenceColumns>(this.#newest, [limit])
    return rows.map(row => ({
      userId: row.user_id,
      presence: row.presence,
      statusMsg: row.status_msg ?? undefined,
      lastActiveTs: row.last_active_ts,
      updatedTs: row.updated_ts,
    }))
  }
}

/** Builds the statements that write presence down. */
export class PresenceWriter {
  readonly #put: Prepared
  readonly #expire: Prepared

  constructor(db: Reader) {
    this.#put = db.prepare(
      `INSERT INTO presence (user_id, presence, status_msg, last_active_ts, updated_ts) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (user_id) DO UPDATE SET presence = excluded.presence, status_msg = excluded.status_msg,
         last_active_ts = excluded.last_active_ts, updated_ts = excluded.updated_ts`,
    )
    this.#expire = db.prepare('DELETE FROM presence WHERE updated_ts < ?')
  }

  put(rows: readonly StoredPresence[]): WriteStatement {
    return {
      prepared: this.#put,
      rows: rows.map(row => [
        row.userId,
        row.presence,
        row.statusMsg ?? null,
        row.lastActiveTs,
        row.updatedTs,
      ]),
    }
  }

  /** Forgets users of whom nothing was heard since `before`. */
  expire(before: number): WriteStatement {
    return { prepared: this.#expire, rows: [[before]] }
  }
}
