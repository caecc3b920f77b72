import type { Prepared, Reader, SqlParameter, WriteStatement } from '../database.ts'
import { GroupMemberWriter } from './group-members.ts'
import type { GroupAction, OwnAction, PushAction, RoomPlace } from './push-action.ts'
import { PUSH_ACTION_COLUMNS } from './push-actions.ts'

/** Builds the statements that store and remove notifications. */
export class PushActionWriter {
  readonly #members: GroupMemberWriter
  readonly #insert: Prepared
  readonly #insertOfGroup: Prepared
  readonly #undo: Prepared
  readonly #undoOfGroup: Prepared
  readonly #remove: Prepared
  readonly #silence: Prepared
  readonly #silenceOwn: Prepared
  readonly #clear: Prepared

  constructor(db: Reader) {
    this.#members = new GroupMemberWriter(db)
    this.#insert = db.prepare(
      `INSERT INTO push_actions (${PUSH_ACTION_COLUMNS}, silent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    )
    this.#insertOfGroup = db.prepare(
      `INSERT INTO group_actions (room_nid, position, group_id, event_nid, thread_id, highlight, actions, ts, sender)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
    this.#undo = db.prepare('DELETE FROM push_actions WHERE position = ?')
    this.#undoOfGroup = db.prepare('DELETE FROM group_actions WHERE room_nid = ? AND position = ?')
    this.#remove = db.prepare('DELETE FROM push_actions WHERE user_id = ? AND room_nid = ? AND position = ?')
    this.#silence = db.prepare(
      `INSERT INTO push_actions (${PUSH_ACTION_COLUMNS}, silent)
       SELECT DISTINCT CAST(? AS text), room_nid, position, event_nid, thread_id, 0, '[]', ts, 1
       FROM group_actions WHERE room_nid = ? AND position = ? ON CONFLICT DO NOTHING`,
    )
    this.#silenceOwn = db.prepare(
      `UPDATE push_actions SET silent = 1, highlight = 0, actions = '[]' WHERE user_id = ? AND room_nid = ? AND position = ?`,
    )
    this.#clear = db.prepare('DELETE FROM push_actions WHERE user_id = ? AND room_nid = ? AND position <= ?')
  }

  /** What single users are notified of: `PushAction`s, or what an event is to them alone of their group. */
  insert(rows: readonly (PushAction | OwnAction)[]): WriteStatement[] {
    return rows.length === 0 ? [] : [{ prepared: this.#insert, rows: rows.map(columnsOf) }]
  }

  /** What groups are notified of. */
  insertOfGroups(rows: readonly GroupAction[]): WriteStatement[] {
    return rows.length === 0 ? [] : [{ prepared: this.#insertOfGroup, rows: rows.map(groupColumnsOf) }]
  }

  /** These events notify nobody any more. */
  undo(places: readonly RoomPlace[]): WriteStatement[] {
    if (places.length === 0) return []
    return [
      { prepared: this.#undo, rows: places.map(({ position }) => [position]) },
      {
        prepared: this.#undoOfGroup,
        rows: places.map(({ roomNid, position }) => [roomNid, position]),
      },
    ]
  }

  /** The event at a position is not shown to the user. */
  hide(rows: readonly (RoomPlace & { readonly userId: string })[]): WriteStatement[] {
    if (rows.length === 0) return []
    const places = rows.map(({ userId, roomNid, position }) => [userId, roomNid, position])
    return [
      { prepared: this.#remove, rows: places },
      { prepared: this.#silence, rows: places },
    ]
  }

  /** The same, and it is kept that something was not shown there (`PushRulesReader.silentRooms`). */
  silence(rows: readonly (RoomPlace & { readonly userId: string })[]): WriteStatement[] {
    if (rows.length === 0) return []
    const places = rows.map(({ userId, roomNid, position }) => [userId, roomNid, position])
    return [
      { prepared: this.#silenceOwn, rows: places },
      { prepared: this.#silence, rows: places },
    ]
  }

  /** Nothing up to a position concerns the user any more: they have left the room, or come to it. */
  clear(rows: readonly { userId: string; roomNid: number; upTo: number }[]): WriteStatement[] {
    if (rows.length === 0) return []
    return [
      { prepared: this.#clear, rows: rows.map(row => [row.userId, row.roomNid, row.upTo]) },
      ...this.#members.clear(rows),
    ]
  }
}

const groupColumnsOf = (row: GroupAction): SqlParameter[] => [
  ...[row.roomNid, row.position, row.groupId, row.eventNid, row.threadId],
  ...[row.highlight ? 1 : 0, row.actions, row.ts, row.sender],
]

const columnsOf = (row: PushAction | OwnAction): SqlParameter[] => [
  ...[row.userId, row.roomNid, row.position, row.eventNid, row.threadId],
  ...[row.highlight ? 1 : 0, row.actions, row.ts, 'isSilent' in row && row.isSilent ? 1 : 0],
]
