import type { Prepared, Reader, SqlParameter, WriteStatement } from '../database.ts'
import { PUSH_ACTION_COLUMNS, type PushAction } from './push-actions.ts'

/** Builds the statements that store and remove notifications. */
export class PushActionWriter {
  readonly #insert: Prepared
  readonly #undo: Prepared
  readonly #clear: Prepared
  readonly #expire: Prepared
  readonly #bound: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO push_actions (${PUSH_ACTION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
    this.#undo = db.prepare('DELETE FROM push_actions WHERE position = ?')
    this.#clear = db.prepare('DELETE FROM push_actions WHERE user_id = ? AND room_nid = ? AND position <= ?')
    this.#expire = db.prepare(
      `DELETE FROM push_actions WHERE position <= ? AND EXISTS (SELECT 1 FROM receipts r
         WHERE r.room_nid = push_actions.room_nid AND r.user_id = push_actions.user_id
         AND r.type IN ('m.read', 'm.read.private') AND r.thread_id IN ('', push_actions.thread_id)
         AND r.event_position >= push_actions.position)`,
    )
    const oldest = `SELECT b.position FROM push_actions b WHERE b.user_id = ? AND b.room_nid = ? AND b.highlight = ?
      ORDER BY b.position DESC LIMIT 1 OFFSET ?`
    this.#bound = db.prepare(
      `DELETE FROM push_actions WHERE user_id = ? AND room_nid = ? AND highlight = ? AND position <= (${oldest})`,
    )
  }

  insert(rows: readonly PushAction[]): WriteStatement[] {
    if (rows.length === 0) return []
    return [{ prepared: this.#insert, rows: rows.map(columnsOf) }]
  }

  /** The events at these positions notify nobody any more. */
  undo(positions: readonly number[]): WriteStatement[] {
    if (positions.length === 0) return []
    return [{ prepared: this.#undo, rows: positions.map(position => [position]) }]
  }

  /** Nothing up to a position concerns the user any more: they have left the room, or come to it. */
  clear(rows: readonly { userId: string; roomNid: number; upTo: number }[]): WriteStatement[] {
    if (rows.length === 0) return []
    return [{ prepared: this.#clear, rows: rows.map(row => [row.userId, row.roomNid, row.upTo]) }]
  }

  /** Forgets what was read up to a position. */
  expire(upTo: number): WriteStatement {
    return { prepared: this.#expire, rows: [[upTo]] }
  }

  /** Keeps the newest. */
  bound(row: { userId: string; roomNid: number; highlight: boolean }, keep: number): WriteStatement {
    const which = [row.userId, row.roomNid, row.highlight ? 1 : 0]
    return { prepared: this.#bound, rows: [[...which, ...which, keep]] }
  }
}

const columnsOf = (row: PushAction): SqlParameter[] => [
  row.userId,
  row.roomNid,
  row.position,
  row.eventNid,
  row.threadId,
  row.highlight ? 1 : 0,
  row.actions,
  row.ts,
]
