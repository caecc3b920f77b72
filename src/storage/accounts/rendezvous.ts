import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** What two devices that are to know each other have put down for each other. Instants are milliseconds since 1970. */
export interface RendezvousSession {
  readonly id: string
  /** Changes with each write. */
  readonly sequenceToken: string
  readonly data: string
  /** When that was put down. */
  readonly writtenTs: number
  readonly expiresTs: number
}

interface SessionRow {
  rendezvous_id: string
  sequence_token: string
  data: string
  written_ts: number
  expires_ts: number
}

/** Reads rendezvous sessions. */
export class RendezvousReader {
  readonly #db: Reader
  readonly #byId: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#byId = db.prepare(
      `SELECT rendezvous_id, sequence_token, data, written_ts, expires_ts FROM rendezvous_sessions
       WHERE rendezvous_id = ? AND expires_ts > ?`,
    )
  }

  /** A session that has not expired. */
  async byId(id: string, now: number): Promise<RendezvousSession | undefined> {
    const row = await this.#db.get<SessionRow>(this.#byId, [id, now])
    return (
      row && {
        id: row.rendezvous_id,
        sequenceToken: row.sequence_token,
        data: row.data,
        writtenTs: row.written_ts,
        expiresTs: row.expires_ts,
      }
    )
  }
}

/** Builds the statements that change rendezvous sessions. */
export class RendezvousWriter {
  readonly #insert: Prepared
  readonly #replace: Prepared
  readonly #delete: Prepared
  readonly #prune: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO rendezvous_sessions (rendezvous_id, sequence_token, data, created_ts, written_ts, expires_ts)
       VALUES (?, ?, ?, ?, ?, ?)`,
    )
    this.#replace = db.prepare(
      `UPDATE rendezvous_sessions SET sequence_token = ?, data = ?, written_ts = ?
       WHERE rendezvous_id = ? AND sequence_token = ? AND expires_ts > ?`,
    )
    this.#delete = db.prepare('DELETE FROM rendezvous_sessions WHERE rendezvous_id = ? AND expires_ts > ?')
    this.#prune = db.prepare(
      `DELETE FROM rendezvous_sessions WHERE expires_ts <= ?
       OR created_ts < (SELECT created_ts FROM rendezvous_sessions ORDER BY created_ts DESC LIMIT 1 OFFSET ?)`,
    )
  }

  /** Begins a session. */
  insert({ id, sequenceToken, data, writtenTs, expiresTs }: RendezvousSession): WriteStatement {
    return { prepared: this.#insert, rows: [[id, sequenceToken, data, writtenTs, writtenTs, expiresTs]] }
  }

  /** Replaces what is there, if nobody has since `seen` was read. Guard `rendezvous-moved-on`: somebody has, or it has ended. */
  replace(seen: string, { id, sequenceToken, data, writtenTs }: RendezvousSession): WriteStatement {
    return {
      prepared: this.#replace,
      rows: [[sequenceToken, data, writtenTs, id, seen, writtenTs]],
      guard: { name: 'rendezvous-moved-on', expected: 1 },
    }
  }

  /** Ends a session. Guard `rendezvous-unknown`. */
  delete(id: string, now: number): WriteStatement {
    return {
      prepared: this.#delete,
      rows: [[id, now]],
      guard: { name: 'rendezvous-unknown', expected: 1 },
    }
  }

  /** Removes what has expired, and the oldest beyond `keep`. */
  prune(now: number, keep: number): WriteStatement {
    return { prepared: this.#prune, rows: [[now, keep - 1]] }
  }
}
