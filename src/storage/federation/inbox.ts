import type { JsonObject } from '../../core/json.ts'
import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** An event that was received and acknowledged, and waits to enter its room. Format, signatures and hash are checked. */
export interface StagedPdu {
  readonly roomId: string
  readonly eventId: string
  /** The server that sent it to us. */
  readonly origin: string
  /** The event as canonical JSON. */
  readonly json: string
  /** Milliseconds since 1970. */
  readonly receivedTs: number
  /** Its place among those received at the same instant. */
  readonly ordinal: number
}

interface StagedColumns {
  room_id: string
  event_id: string
  origin: string
  json: string
  received_ts: number
  ordinal: number
}

/** Reads what other servers have sent. */
export class InboxReader {
  readonly #db: Reader
  readonly #staged: Prepared
  readonly #response: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#staged = db.prepare(
      `SELECT room_id, event_id, origin, json, received_ts, ordinal FROM staged_pdus
       WHERE (received_ts, ordinal) > (?, ?) ORDER BY received_ts, ordinal LIMIT ?`,
    )
    this.#response = db.prepare(
      'SELECT response FROM federation_transactions WHERE origin = ? AND txn_id = ?',
    )
  }

  /** The oldest staged events after a given one (or from the start), in the order of their arrival. */
  async staged(after: StagedPdu | undefined, limit: number): Promise<StagedPdu[]> {
    const { receivedTs, ordinal } = after ?? { receivedTs: -1, ordinal: -1 }
    const rows = await this.#db.scan<StagedColumns>(this.#staged, [receivedTs, ordinal, limit])
    return rows.map(row => ({
      roomId: row.room_id,
      eventId: row.event_id,
      origin: row.origin,
      json: row.json,
      receivedTs: row.received_ts,
      ordinal: row.ordinal,
    }))
  }

  /** What was answered to a transaction, if it was seen before. */
  async responseTo(origin: string, txnId: string): Promise<JsonObject | undefined> {
    const row = await this.#db.get<{ response: string }>(this.#response, [origin, txnId])
    return row && (JSON.parse(row.response) as JsonObject)
  }
}

/** Builds the statements that keep what other servers have sent. */
export class InboxWriter {
  readonly #stage: Prepared
  readonly #unstage: Prepared
  readonly #remember: Prepared
  readonly #expire: Prepared

  constructor(db: Reader) {
    this.#stage = db.prepare(
      `INSERT INTO staged_pdus (room_id, event_id, origin, json, received_ts, ordinal) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    )
    this.#unstage = db.prepare('DELETE FROM staged_pdus WHERE room_id = ? AND event_id = ?')
    this.#remember = db.prepare(
      `INSERT INTO federation_transactions (origin, txn_id, response, received_ts) VALUES (?, ?, ?, ?)
       ON CONFLICT (origin, txn_id) DO UPDATE SET response = excluded.response`,
    )
    this.#expire = db.prepare('DELETE FROM federation_transactions WHERE received_ts < ?')
  }

  /** Keeps events until they are part of their rooms. One that is staged already stays as it is. */
  stage(pdus: readonly StagedPdu[]): WriteStatement[] {
    if (pdus.length === 0) return []
    const rows = pdus.map(({ roomId, eventId, origin, json, receivedTs, ordinal }) => [
      roomId,
      eventId,
      origin,
      json,
      receivedTs,
      ordinal,
    ])
    return [{ prepared: this.#stage, rows }]
  }

  /** These events have been dealt with. */
  unstage(pdus: readonly Pick<StagedPdu, 'roomId' | 'eventId'>[]): WriteStatement {
    return { prepared: this.#unstage, rows: pdus.map(({ roomId, eventId }) => [roomId, eventId]) }
  }

  /** Remembers the answer to a transaction, so that it is the same when it is sent again. */
  remember(origin: string, txnId: string, response: JsonObject, now: number): WriteStatement {
    return { prepared: this.#remember, rows: [[origin, txnId, JSON.stringify(response), now]] }
  }

  /** Forgets transactions from before an instant. */
  expire(before: number): WriteStatement {
    return { prepared: this.#expire, rows: [[before]] }
  }
}
