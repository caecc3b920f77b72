import type { Prepared, Reader } from '../../database.ts'

/** The messages of a thread that a user has not read, up to a position. */
export interface UnreadSpan {
  readonly userId: string
  readonly roomNid: number
  readonly threadId: string
  readonly upTo: number
}

/** A message that may have notified. */
export interface UnreadMessage {
  readonly nid: number
  readonly position: number
  readonly ts: number
}

const READ = `COALESCE((SELECT MAX(r.event_position) FROM receipts r
  WHERE r.room_nid = ? AND r.user_id = ? AND r.thread_id IN ('', ?)), 0)`

/** Finds in what was moved what a user has not read. */
export class UnreadPlaces {
  readonly #db: Reader
  readonly #known: Prepared
  readonly #inMain: Prepared
  readonly #inThread: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#known = db.prepare(
      `SELECT COUNT(*) AS n FROM push_actions
       WHERE user_id = ? AND room_nid = ? AND thread_id = ? AND position <= ? AND position > ${READ}`,
    )
    const messages = (thread: string): Prepared =>
      db.prepare(
        `SELECT e.event_nid AS nid, e.position, e.origin_server_ts AS ts FROM events e
         WHERE e.room_nid = ? AND e.position <= ? AND e.position > ${READ}
           AND e.rejected IS NULL AND e.soft_failed = 0 AND e.redacted_by IS NULL AND e.sender <> ?
           AND e.state_key IS NULL AND e.type IN ('m.room.message', 'm.room.encrypted', 'm.sticker')
           AND NOT EXISTS (SELECT 1 FROM push_actions p
             WHERE p.user_id = ? AND p.room_nid = e.room_nid AND p.position = e.position)
           AND ${thread}
         ORDER BY e.position DESC LIMIT ?`,
      )
    const related = "SELECT 1 FROM relations t WHERE t.event_nid = e.event_nid AND t.rel_type = 'm.thread'"
    this.#inMain = messages(`NOT EXISTS (${related} AND t.parent_id <> ?)`)
    this.#inThread = messages(`EXISTS (${related} AND t.parent_id = ?)`)
  }

  /** How many of them are known to have notified the user. */
  async known({ userId, roomNid, threadId, upTo }: UnreadSpan): Promise<number> {
    const row = await this.#db.get<{ n: number }>(this.#known, [
      ...[userId, roomNid, threadId, upTo],
      ...[roomNid, userId, threadId],
    ])
    return row?.n ?? 0
  }

  /** The newest of the others. */
  newest({ userId, roomNid, threadId, upTo }: UnreadSpan, limit: number): Promise<UnreadMessage[]> {
    const isMain = threadId === 'main'
    return this.#db.scan<UnreadMessage>(isMain ? this.#inMain : this.#inThread, [
      ...[roomNid, upTo, roomNid, userId, threadId, userId, userId],
      ...[isMain ? '' : threadId, limit],
    ])
  }
}
