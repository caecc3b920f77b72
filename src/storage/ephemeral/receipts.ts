import type { Prepared, Reader, SqlValue, WriteStatement } from '../database.ts'

export type ReceiptType = 'm.read' | 'm.read.private'

/** Up to where a user has read a room, or one thread of it. */
export interface ReceiptRow {
  readonly userId: string
  readonly type: ReceiptType
  /** Empty: unthreaded; `main`; or the ID of the thread's root. */
  readonly threadId: string
  readonly eventId: string
  /** Where the event stands in the room's timeline, if that was known when the receipt came. */
  readonly eventPosition: number | undefined
  /** Milliseconds since 1970, as the user's server says. */
  readonly ts: number
}

/** A new receipt, as `/sync` has to know of it. */
export interface TouchedReceipt {
  readonly roomNid: number
  readonly userId: string
  readonly type: ReceiptType
  readonly position: number
}

/** What a reader asks for: the receipts of one room that came after one position up to another. */
export interface ReceiptSpan {
  readonly roomNid: number
  readonly after: number
  readonly upTo: number
  readonly limit: number
}

interface ReceiptColumns {
  user_id: string
  type: ReceiptType
  thread_id: string
  event_id: string
  event_position: number | null
  ts: number
}

const receiptRow = (row: ReceiptColumns): ReceiptRow => ({
  userId: row.user_id,
  type: row.type,
  threadId: row.thread_id,
  eventId: row.event_id,
  eventPosition: row.event_position ?? undefined,
  ts: row.ts,
})

const COLUMNS = 'user_id, type, thread_id, event_id, event_position, ts'

/** So many rows may be read on the calling thread. */
const FEW = 100

/** Reads receipts. */
export class ReceiptReader {
  readonly #db: Reader
  readonly #ofUser: Prepared
  readonly #visible: Prepared
  readonly #touched: Prepared
  readonly #roomsWithNews: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#ofUser = db.prepare(`SELECT ${COLUMNS} FROM receipts WHERE room_nid = ? AND user_id = ?`)
    this.#visible = db.prepare(
      `SELECT ${COLUMNS} FROM receipts WHERE room_nid = ? AND position > ? AND position <= ?
       AND (type = 'm.read' OR user_id = ?) ORDER BY position DESC LIMIT ?`,
    )
    this.#touched = db.prepare(
      `SELECT room_nid, user_id, type, position FROM receipts WHERE position > ? AND position <= ?
       ORDER BY position LIMIT ?`,
    )
    this.#roomsWithNews = db.prepare(
      `SELECT r.room_nid FROM rooms r WHERE ${db.dialect.inInteger('r.room_nid')} AND EXISTS (
         SELECT 1 FROM receipts t WHERE t.room_nid = r.room_nid AND t.position > ? AND t.position <= ?)`,
    )
  }

  /** All receipts of a user in a room. */
  async ofUser(roomNid: number, userId: string): Promise<ReceiptRow[]> {
    return (await this.#db.all<ReceiptColumns>(this.#ofUser, [roomNid, userId])).map(receiptRow)
  }

  /** What a user may see of a room's receipts, newest first: everybody's public ones and their own. */
  async visible({ roomNid, after, upTo, limit }: ReceiptSpan, userId: string): Promise<ReceiptRow[]> {
    const parameters = (most: number) => [roomNid, after, upTo, userId, most]
    // Nearly always there are few, which are read faster where we are than in another thread.
    const few = await this.#db.all<ReceiptColumns>(this.#visible, parameters(Math.min(FEW, limit)))
    if (few.length < FEW) return few.map(receiptRow)
    return (await this.#db.scan<ReceiptColumns>(this.#visible, parameters(limit))).map(receiptRow)
  }

  /** The receipts after one position up to another, in order, or the first so many of them. */
  async touched(after: number, upTo: number, limit = Number.MAX_SAFE_INTEGER): Promise<TouchedReceipt[]> {
    const rows = await this.#db.all<{
      room_nid: number
      user_id: string
      type: ReceiptType
      position: number
    }>(this.#touched, [after, upTo, limit])
    return rows.map(row => ({
      roomNid: row.room_nid,
      userId: row.user_id,
      type: row.type,
      position: row.position,
    }))
  }

  /** Which of these rooms have receipts in a span: one index seek for each room. */
  async roomsWithNews(roomNids: readonly number[], after: number, upTo: number): Promise<number[]> {
    const parameters = [this.#db.list(roomNids), after, upTo]
    return (await this.#db.scan<{ room_nid: number }>(this.#roomsWithNews, parameters)).map(
      row => row.room_nid,
    )
  }
}

/** A receipt to be stored. */
export interface NewReceipt extends ReceiptRow {
  readonly roomNid: number
}

/** Builds the statements that store receipts: one for each room, user, type and thread. */
export class ReceiptWriter {
  readonly #move: Prepared
  readonly #boundThreads: Prepared

  constructor(db: Reader) {
    this.#move = db.prepare(
      `INSERT INTO receipts (room_nid, ${COLUMNS}, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (room_nid, user_id, type, thread_id) DO UPDATE SET event_id = excluded.event_id,
         event_position = excluded.event_position, ts = excluded.ts, position = excluded.position
       WHERE receipts.event_id <> excluded.event_id AND (receipts.event_position IS NULL
         OR excluded.event_position IS NULL OR excluded.event_position > receipts.event_position)`,
    )
    this.#boundThreads = db.prepare(
      `DELETE FROM receipts WHERE room_nid = ? AND user_id = ? AND type = ? AND thread_id <> '' AND position <
         (SELECT position FROM receipts WHERE room_nid = ? AND user_id = ? AND type = ? AND thread_id <> ''
          ORDER BY position DESC LIMIT 1 OFFSET ?)`,
    )
  }

  /** Moves receipts forward; those that would go back in the timeline, or stay where they are, are left out. */
  move(receipts: readonly NewReceipt[]): WriteStatement {
    return {
      prepared: this.#move,
      rows: receipts.map((receipt, offset) => [
        receipt.roomNid,
        receipt.userId,
        receipt.type,
        receipt.threadId,
        receipt.eventId,
        receipt.eventPosition ?? null,
        receipt.ts,
        { stream: 'receipts', offset },
      ]),
    }
  }

  /** Forgets the longest untouched threads beyond `keep`. */
  boundThreads(roomNid: number, userId: string, type: ReceiptType, keep: number): WriteStatement {
    const whose: SqlValue[] = [roomNid, userId, type]
    return { prepared: this.#boundThreads, rows: [[...whose, ...whose, keep - 1]] }
  }
}
