import type { Prepared, Reader, WriteStatement } from '../database.ts'
import { notifyingParameters, unread, unreadInRoom, unreadInRoomParameters } from '../push/notifying.ts'
import { IS_READ, PUSH_ACTION_COLUMNS } from '../push/push-actions.ts'

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

/** Reads what notifies whom, as far as it is a notification that waits. */
export class UnreadMessageReader {
  readonly #db: Reader
  readonly #newest: Prepared
  readonly #count: Prepared
  readonly #rooms: Prepared

  constructor(db: Reader) {
    this.#db = db
    const waits = `a.dismissed = 0 AND NOT ${IS_READ}`
    const inRoom = unreadInRoom()
    this.#newest = db.prepare(
      `SELECT a.position, a.event_nid, a.highlight, a.ts FROM ${inRoom} a WHERE ${waits}
       ORDER BY a.position DESC LIMIT ?`,
    )
    this.#count = db.prepare(`SELECT COUNT(*) AS n FROM ${inRoom} a WHERE ${waits}`)
    this.#rooms = db.prepare(
      `SELECT a.room_nid, MAX(a.position) AS newest FROM ${unread('AND ts >= ?')} a WHERE ${waits}
       GROUP BY a.room_nid ORDER BY newest DESC LIMIT ?`,
    )
  }

  /** The newest of a room, and how many there are. */
  async ofRoom(
    userId: string,
    roomNid: number,
    limit: number,
  ): Promise<{ readonly newest: UnreadMessage[]; readonly count: number }> {
    const which = [...unreadInRoomParameters(userId, roomNid), userId]
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
    const rows = await this.#db.scan<{ room_nid: number }>(this.#rooms, [
      ...notifyingParameters(userId, [since]),
      userId,
      limit,
    ])
    return rows.map(row => row.room_nid)
  }
}

/** Builds the statements by which notifications of messages are closed. */
export class MessageDismissals {
  readonly #at: Prepared
  readonly #upTo: Prepared
  readonly #apart: Prepared
  readonly #db: Reader

  constructor(db: Reader) {
    this.#db = db
    const columns = PUSH_ACTION_COLUMNS.replace('user_id, ', '')
    this.#apart = db.prepare(
      `INSERT INTO push_actions (${PUSH_ACTION_COLUMNS}) SELECT CAST(? AS text), ${columns}
       FROM ${unreadInRoom('AND position >= ? AND position <= ?')} a WHERE TRUE ON CONFLICT DO NOTHING`,
    )
    this.#at = db.prepare(
      'UPDATE push_actions SET dismissed = 1 WHERE user_id = ? AND room_nid = ? AND position = ?',
    )
    this.#upTo = db.prepare(
      `UPDATE push_actions SET dismissed = 1 WHERE user_id = ? AND room_nid = ? AND position <= ?
       AND NOT (${db.dialect.inInteger('position')})`,
    )
  }

  /** That of one event. */
  at(userId: string, roomNid: number, position: number): WriteStatement[] {
    return [
      this.#ownRows(userId, roomNid, [position, position]),
      { prepared: this.#at, rows: [[userId, roomNid, position]] },
    ]
  }

  /** Those of everything in a room up to a position, but for some events. */
  upTo(userId: string, roomNid: number, position: number, except: readonly number[]): WriteStatement[] {
    return [
      this.#ownRows(userId, roomNid, [0, position]),
      { prepared: this.#upTo, rows: [[userId, roomNid, position, this.#db.list(except)]] },
    ]
  }

  /** What only one of a group has closed is stored for them apart from then on. */
  #ownRows(userId: string, roomNid: number, span: readonly [from: number, upTo: number]): WriteStatement {
    return { prepared: this.#apart, rows: [[userId, ...unreadInRoomParameters(userId, roomNid, span)]] }
  }
}
