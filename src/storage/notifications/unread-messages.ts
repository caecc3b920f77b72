import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** An event that notifies a user, who has neither read it nor closed its notification. */
export interface UnreadMessage {
  readonly position: number
  readonly eventNid: number
  readonly highlight: boolean
  /** When it was found to notify; milliseconds since 1970. */
  readonly ts: number
}

interface Columns {
  position: number
  event_nid: number
  highlight: number
  ts: number
}

/** As in `storage/push/push-actions.ts`: a receipt at or after the event, for the room or its thread. */
const IS_UNREAD = `NOT EXISTS (SELECT 1 FROM receipts r WHERE r.room_nid = a.room_nid AND r.user_id = a.user_id
  AND r.type IN ('m.read', 'm.read.private') AND r.thread_id IN ('', a.thread_id) AND r.event_position >= a.position)`

/** Reads what notifies whom, as far as it is a notification that waits. */
export class UnreadMessageReader {
  readonly #db: Reader
  readonly #newest: Prepared
  readonly #count: Prepared
  readonly #rooms: Prepared

  constructor(db: Reader) {
    this.#db = db
    const from = 'FROM push_actions a WHERE a.user_id = ?'
    const waits = `a.dismissed = 0 AND ${IS_UNREAD}`
    // Nothing up to the receipt for the whole room has to be looked at.
    const inRoom = `a.room_nid = ? AND a.position > COALESCE((SELECT MAX(t.event_position) FROM receipts t
      WHERE t.room_nid = ? AND t.user_id = ? AND t.type IN ('m.read', 'm.read.private') AND t.thread_id = ''), 0)`
    this.#newest = db.prepare(
      `SELECT a.position, a.event_nid, a.highlight, a.ts ${from} AND ${inRoom} AND ${waits}
       ORDER BY a.position DESC LIMIT ?`,
    )
    this.#count = db.prepare(`SELECT COUNT(*) AS n ${from} AND ${inRoom} AND ${waits}`)
    this.#rooms = db.prepare(
      `SELECT a.room_nid, MAX(a.position) AS newest ${from} AND a.ts >= ? AND ${waits}
       GROUP BY a.room_nid ORDER BY newest DESC LIMIT ?`,
    )
  }

  /** The newest of a room, and how many there are. */
  async ofRoom(
    userId: string,
    roomNid: number,
    limit: number,
  ): Promise<{ readonly newest: UnreadMessage[]; readonly count: number }> {
    const which = [userId, roomNid, roomNid, userId]
    const rows = await this.#db.all<Columns>(this.#newest, [...which, limit])
    const newest = rows.map(row => ({
      position: row.position,
      eventNid: row.event_nid,
      highlight: row.highlight !== 0,
      ts: row.ts,
    }))
    if (rows.length < limit) return { newest, count: rows.length }
    const [counted] = await this.#db.scan<{ n: number }>(this.#count, which)
    return { newest, count: counted?.n ?? rows.length }
  }

  /** The rooms in which a user has such messages since an instant (ms), newest first. */
  async rooms(userId: string, since: number, limit: number): Promise<number[]> {
    const rows = await this.#db.scan<{ room_nid: number }>(this.#rooms, [userId, since, limit])
    return rows.map(row => row.room_nid)
  }
}

/** Builds the statements by which notifications of messages are closed. */
export class MessageDismissals {
  readonly #at: Prepared
  readonly #upTo: Prepared
  readonly #db: Reader

  constructor(db: Reader) {
    this.#db = db
    this.#at = db.prepare(
      'UPDATE push_actions SET dismissed = 1 WHERE user_id = ? AND room_nid = ? AND position = ?',
    )
    this.#upTo = db.prepare(
      `UPDATE push_actions SET dismissed = 1 WHERE user_id = ? AND room_nid = ? AND position <= ?
       AND NOT (${db.dialect.inInteger('position')})`,
    )
  }

  /** That of one event. */
  at(userId: string, roomNid: number, position: number): WriteStatement {
    return { prepared: this.#at, rows: [[userId, roomNid, position]] }
  }

  /** Those of everything in a room up to a position, but for some events. */
  upTo(userId: string, roomNid: number, position: number, except: readonly number[]): WriteStatement {
    return { prepared: this.#upTo, rows: [[userId, roomNid, position, this.#db.list(except)]] }
  }
}
