import type { Prepared, Reader, SqlParameter, WriteStatement } from '../database.ts'

/** A state event that holds from the lowest position that is known of a room. */
export interface OldestState {
  readonly type: string
  readonly stateKey: string
  readonly nid: number
}

/** The same with the position from which it holds. */
export interface HeldState extends OldestState {
  readonly from: number
}

/** Reads the room state where history stops. */
export class HistoryStateReader {
  readonly #db: Reader
  readonly #lowest: Prepared
  readonly #at: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#lowest = db.prepare(
      'SELECT valid_from FROM room_state WHERE room_nid = ? ORDER BY valid_from LIMIT 1',
    )
    this.#at = db.prepare(
      `SELECT type, state_key, event_nid, valid_from FROM room_state
       WHERE room_nid = ? AND valid_from <= ? AND (valid_to IS NULL OR valid_to > ?)`,
    )
  }

  /** The lowest position from which any state of the room is known to hold. */
  async lowest(roomNid: number): Promise<number | undefined> {
    return (await this.#db.get<{ valid_from: number }>(this.#lowest, [roomNid]))?.valid_from
  }

  /** The state that holds at a position. */
  async at(roomNid: number, position: number): Promise<HeldState[]> {
    type Columns = { type: string; state_key: string; event_nid: number; valid_from: number }
    const rows = await this.#db.scan<Columns>(this.#at, [roomNid, position, position])
    return rows.map(row => ({
      type: row.type,
      stateKey: row.state_key,
      nid: row.event_nid,
      from: row.valid_from,
    }))
  }
}

/** An interval whose beginning moves. */
export interface MovedInterval {
  readonly type: string
  readonly stateKey: string
  readonly from: number
  readonly to: SqlParameter
}

/** An interval of the past. */
export interface PastInterval extends OldestState {
  readonly from: SqlParameter
  readonly to: SqlParameter
}

/** Builds the statements that describe the room state before what was known of it. */
export class HistoryStateWriter {
  readonly #move: Prepared
  readonly #insert: Prepared

  constructor(db: Reader) {
    this.#move = db.prepare(
      `UPDATE room_state SET valid_from = ?
       WHERE room_nid = ? AND type = ? AND state_key = ? AND valid_from = ?`,
    )
    this.#insert = db.prepare(
      `INSERT INTO room_state (room_nid, type, state_key, valid_from, valid_to, event_nid)
       VALUES (?, ?, ?, ?, ?, ?)`,
    )
  }

  /** First intervals move, then others take the places that they leave. */
  write(
    roomNid: number,
    { moved, inserted }: { moved: readonly MovedInterval[]; inserted: readonly PastInterval[] },
  ): WriteStatement[] {
    return [
      {
        prepared: this.#move,
        rows: moved.map(({ type, stateKey, from, to }) => [to, roomNid, type, stateKey, from]),
      },
      {
        prepared: this.#insert,
        rows: inserted.map(({ type, stateKey, from, to, nid }) => [roomNid, type, stateKey, from, to, nid]),
      },
    ].filter(({ rows }) => rows.length > 0)
  }
}
