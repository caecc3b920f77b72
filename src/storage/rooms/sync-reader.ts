import type { Prepared, Reader } from '../database.ts'

/** What `/sync` has to know of a new event to find out whom it concerns. */
export interface TouchedEvent {
  readonly roomNid: number
  readonly position: number
  /** The user whose membership it sets. */
  readonly memberOf: string | undefined
}

/** Reads that only `/sync` needs. */
export class SyncReader {
  readonly #db: Reader
  readonly #touched: Prepared
  readonly #withEvents: Prepared
  readonly #heroes: Prepared
  readonly #formerHeroes: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#touched = db.prepare(
      `SELECT room_nid, position, type, state_key FROM events
       WHERE position > ? AND position <= ? AND rejected IS NULL AND soft_failed = 0 ORDER BY position`,
    )
    this.#withEvents = db.prepare(
      `SELECT r.room_nid FROM rooms r WHERE ${db.dialect.inInteger('r.room_nid')} AND EXISTS (
         SELECT 1 FROM events e WHERE e.room_nid = r.room_nid AND e.position > ? AND e.position <= ?
           AND e.position IS NOT NULL AND e.rejected IS NULL AND e.soft_failed = 0)`,
    )
    this.#heroes = db.prepare(
      `SELECT user_id FROM memberships WHERE room_nid = ? AND membership IN ('join', 'invite') AND user_id <> ?
       ORDER BY position LIMIT 5`,
    )
    this.#formerHeroes = db.prepare(
      `SELECT user_id FROM memberships WHERE room_nid = ? AND membership IN ('leave', 'ban') AND user_id <> ?
       ORDER BY position LIMIT 5`,
    )
  }

  /** The shown events after one position up to another. */
  async touched(after: number, upTo: number): Promise<TouchedEvent[]> {
    const rows = await this.#db.all<{
      room_nid: number
      position: number
      type: string
      state_key: string | null
    }>(this.#touched, [after, upTo])
    return rows.map(row => ({
      roomNid: row.room_nid,
      position: row.position,
      memberOf: row.type === 'm.room.member' ? (row.state_key ?? undefined) : undefined,
    }))
  }

  /** Which of these rooms have shown events in a span of positions: one index seek for each room. */
  async withEvents(roomNids: readonly number[], after: number, upTo: number): Promise<number[]> {
    const rows = await this.#db.scan<{ room_nid: number }>(this.#withEvents, [
      this.#db.list(roomNids),
      after,
      upTo,
    ])
    return rows.map(row => row.room_nid)
  }

  /**
   * Up to five members by whom a room without a name is called: "joined or invited, ordered by stream ordering"; if
   * there are none, those who were.
   */
  async heroes(roomNid: number, exceptUserId: string): Promise<string[]> {
    const parameters = [roomNid, exceptUserId]
    const present = await this.#db.all<{ user_id: string }>(this.#heroes, parameters)
    const rows =
      present.length > 0 ? present : await this.#db.all<{ user_id: string }>(this.#formerHeroes, parameters)
    return rows.map(row => row.user_id)
  }
}
