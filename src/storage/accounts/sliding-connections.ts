import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** By what a connection of sliding sync is found. */
export interface ConnectionKey {
  readonly userId: string
  readonly deviceId: string
  /** What the client calls it, as JSON: it may hold what PostgreSQL does not take. */
  readonly name: string
}

/** A connection of sliding sync as it was stored. */
export interface StoredConnection {
  /** Greater for one that was opened later under the same name. */
  readonly openedAt: number
  /** Grows as its client goes on. */
  readonly generation: number
  /** JSON. */
  readonly snapshot: string
}

/** Connections of one device, and of all devices of a user; beyond that those go that were stored first. */
const MAX_OF_DEVICE = 8
const MAX_OF_USER = 64

/** What was opened later than now by more than processes' clocks are apart was by a clock that has been set back since. Milliseconds. */
const APART_MS = 60_000

/** Reads connections of sliding sync. */
export class SlidingConnectionReader {
  readonly #db: Reader
  readonly #one: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#one = db.prepare(
      `SELECT opened_at AS "openedAt", generation, snapshot FROM sliding_connections
       WHERE user_id = ? AND device_id = ? AND name = ?`,
    )
  }

  async one({ userId, deviceId, name }: ConnectionKey): Promise<StoredConnection | undefined> {
    const row = await this.#db.get<StoredConnection>(this.#one, [userId, deviceId, name])
    return row && { ...row, openedAt: Number(row.openedAt), generation: Number(row.generation) }
  }
}

/** Builds the statements that store connections of sliding sync. */
export class SlidingConnectionWriter {
  readonly #put: Prepared
  readonly #trimDevice: Prepared
  readonly #trimUser: Prepared

  constructor(db: Reader) {
    this.#put = db.prepare(
      `INSERT INTO sliding_connections (user_id, device_id, name, opened_at, generation, snapshot, stored_ts)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (user_id, device_id, name) DO UPDATE SET
         opened_at = excluded.opened_at, generation = excluded.generation,
         snapshot = excluded.snapshot, stored_ts = excluded.stored_ts
       WHERE excluded.opened_at > sliding_connections.opened_at
         OR (excluded.opened_at = sliding_connections.opened_at
           AND excluded.generation >= sliding_connections.generation)
         OR sliding_connections.opened_at > (excluded.stored_ts + ${APART_MS}) * 1000`,
    )
    this.#trimDevice = db.prepare(
      `DELETE FROM sliding_connections WHERE user_id = ? AND device_id = ? AND stored_ts < (
         SELECT stored_ts FROM sliding_connections WHERE user_id = ? AND device_id = ?
         ORDER BY stored_ts DESC LIMIT 1 OFFSET ${MAX_OF_DEVICE - 1})`,
    )
    this.#trimUser = db.prepare(
      `DELETE FROM sliding_connections WHERE user_id = ? AND stored_ts < (
         SELECT stored_ts FROM sliding_connections WHERE user_id = ?
         ORDER BY stored_ts DESC LIMIT 1 OFFSET ${MAX_OF_USER - 1})`,
    )
  }

  /** Stores a connection, unless it was stored in a later state, as by another process. `now` in milliseconds since 1970. */
  put(connection: ConnectionKey & StoredConnection, now: number): WriteStatement {
    const { userId, deviceId, name, openedAt, generation, snapshot } = connection
    return { prepared: this.#put, rows: [[userId, deviceId, name, openedAt, generation, snapshot, now]] }
  }

  /** Removes what is too many of some devices and their users. */
  trim(keys: readonly ConnectionKey[]): WriteStatement[] {
    const users = new Set(keys.map(({ userId }) => userId))
    return [
      {
        prepared: this.#trimDevice,
        rows: keys.map(({ userId, deviceId }) => [userId, deviceId, userId, deviceId]),
      },
      { prepared: this.#trimUser, rows: [...users].map(userId => [userId, userId]) },
    ]
  }
}
