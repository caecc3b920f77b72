import type { Prepared, Reader, SqlParameter, WriteStatement } from '../database.ts'
import { type CrowdRow, crowdsIn, placeInCrowd } from './crowds.ts'
import { PUSH_ACTION_COLUMNS, type PushAction } from './push-actions.ts'

/** Builds the statements that store and remove notifications. */
export class PushActionWriter {
  readonly #crowd: number | undefined
  readonly #insert: Prepared
  readonly #insertCrowd: Prepared
  readonly #undo: Prepared
  readonly #undoCrowd: Prepared
  readonly #hide: Prepared
  readonly #hideCrowd: Prepared
  readonly #clear: Prepared
  readonly #leaveCrowd: Prepared
  readonly #expire: Prepared
  readonly #bound: Prepared
  readonly #boundCrowd: Prepared

  /** @param crowd from how many users on they are stored together, if not as `CROWD` says */
  constructor(db: Reader, crowd?: number) {
    this.#crowd = crowd
    this.#insert = db.prepare(
      `INSERT INTO push_actions (${PUSH_ACTION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
    this.#insertCrowd = db.prepare(
      `INSERT INTO crowd_actions (room_nid, bucket, position, part, event_nid, thread_id, highlight, actions, ts, users)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
    this.#undo = db.prepare('DELETE FROM push_actions WHERE position = ?')
    this.#undoCrowd = db.prepare('DELETE FROM crowd_actions WHERE position = ?')
    const fromCrowd = (which: string): Prepared =>
      db.prepare(
        `UPDATE crowd_actions SET users = REPLACE(users, ?, ?)
         WHERE room_nid = ? AND bucket = ? AND ${which} AND ${db.dialect.contains('users')}`,
      )
    this.#hide = db.prepare('DELETE FROM push_actions WHERE user_id = ? AND room_nid = ? AND position = ?')
    this.#hideCrowd = fromCrowd('position = ?')
    this.#leaveCrowd = fromCrowd('position <= ?')
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
    this.#boundCrowd = db.prepare(
      `DELETE FROM crowd_actions WHERE room_nid = ? AND bucket = ? AND highlight = ? AND position <= (
         SELECT b.position FROM crowd_actions b WHERE b.room_nid = ? AND b.bucket = ? AND b.highlight = ?
         ORDER BY b.position DESC LIMIT 1 OFFSET ?)`,
    )
  }

  insert(rows: readonly PushAction[]): WriteStatement[] {
    const { crowds, single } = crowdsIn(rows, this.#crowd)
    return [
      ...(single.length === 0 ? [] : [{ prepared: this.#insert, rows: single.map(columnsOf) }]),
      ...(crowds.length === 0 ? [] : [{ prepared: this.#insertCrowd, rows: crowds.map(crowdColumnsOf) }]),
    ]
  }

  /** The events at these positions notify nobody any more. */
  undo(positions: readonly number[]): WriteStatement[] {
    if (positions.length === 0) return []
    const rows = positions.map(position => [position])
    return [
      { prepared: this.#undo, rows },
      { prepared: this.#undoCrowd, rows },
    ]
  }

  /** The event at a position is not shown to the user. */
  hide(
    rows: readonly { readonly userId: string; readonly roomNid: number; readonly position: number }[],
  ): WriteStatement[] {
    if (rows.length === 0) return []
    return [
      { prepared: this.#hide, rows: rows.map(row => [row.userId, row.roomNid, row.position]) },
      { prepared: this.#hideCrowd, rows: rows.map(row => leaving({ ...row, upTo: row.position })) },
    ]
  }

  /** Nothing up to a position concerns the user any more: they have left the room, or come to it. */
  clear(rows: readonly { userId: string; roomNid: number; upTo: number }[]): WriteStatement[] {
    if (rows.length === 0) return []
    return [
      { prepared: this.#clear, rows: rows.map(row => [row.userId, row.roomNid, row.upTo]) },
      { prepared: this.#leaveCrowd, rows: rows.map(leaving) },
    ]
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

  /** The same for a part of the crowds of a room. */
  boundCrowd(row: { roomNid: number; bucket: number; highlight: boolean }, keep: number): WriteStatement {
    const which = [row.roomNid, row.bucket, row.highlight ? 1 : 0]
    return { prepared: this.#boundCrowd, rows: [[...which, ...which, keep]] }
  }
}

/** Takes a user out of the crowds of a room up to a position, of which nothing else is known to concern them. */
const leaving = ({ userId, roomNid, upTo }: { userId: string; roomNid: number; upTo: number }) => {
  const { bucket, entry } = placeInCrowd(userId)
  return [entry, '\n', roomNid, bucket, upTo, entry]
}

const crowdColumnsOf = (row: CrowdRow): SqlParameter[] => [
  ...[row.roomNid, row.bucket, row.position, row.part, row.eventNid, row.threadId],
  ...[row.highlight ? 1 : 0, row.actions, row.ts, row.users],
]

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
