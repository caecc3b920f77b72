import type { Prepared, Reader, SqlParameter, WriteStatement } from '../database.ts'
import type { Membership } from './memberships.ts'

/**
 * The `eventNid` of whoever has left without an event: state resolution has taken their member event away and put none in its
 * place.
 */
export const NO_EVENT = 0

/** A membership to be written; `position` usually a stream placeholder. */
export interface NewMembership {
  readonly roomNid: number
  readonly userId: string
  readonly host: string
  readonly membership: Membership
  readonly eventNid: number
  readonly position: SqlParameter
  /** Given where the user's membership is learnt late (`MembershipRow.toldFrom`). */
  readonly toldFrom?: SqlParameter
}

/** Builds the statements that keep the projection. */
export class MembershipWriter {
  readonly #upsert: Prepared
  readonly #remove: Prepared
  readonly #end: Prepared
  readonly #forget: Prepared

  constructor(db: Reader) {
    // "Rooms which have been forgotten will never appear … until the user re-joins, is re-invited, or knocks."
    this.#upsert = db.prepare(
      `INSERT INTO memberships (room_nid, user_id, host, membership, event_nid, position, told_from, forgotten)
       VALUES (?, ?, ?, ?, ?, ?, ?, 0)
       ON CONFLICT (user_id, room_nid) DO UPDATE SET membership = excluded.membership,
         forgotten = CASE WHEN excluded.membership IN ('leave', 'ban') THEN memberships.forgotten ELSE 0 END,
         event_nid = excluded.event_nid, position = excluded.position,
         told_from = COALESCE(excluded.told_from, memberships.told_from)`,
    )
    this.#remove = db.prepare('DELETE FROM memberships WHERE user_id = ? AND room_nid = ?')
    this.#end = db.prepare(
      `UPDATE memberships SET membership = 'leave', event_nid = ${NO_EVENT}, position = ?
       WHERE user_id = ? AND room_nid = ?`,
    )
    this.#forget = db.prepare(
      `UPDATE memberships SET forgotten = 1
       WHERE user_id = ? AND room_nid = ? AND membership IN ('leave', 'ban')`,
    )
  }

  set(rows: readonly NewMembership[]): WriteStatement[] {
    if (rows.length === 0) return []
    return [
      {
        prepared: this.#upsert,
        rows: rows.map(row => [
          row.roomNid,
          row.userId,
          row.host,
          row.membership,
          row.eventNid,
          row.position,
          row.toldFrom ?? null,
        ]),
      },
    ]
  }

  /**
   * State resolution has taken member events away without putting others in their place: whoever was in the room is so no
   * more, which they and others have to be told, and keeps what they have seen there.
   *
   * @param position usually a stream placeholder
   */
  end(roomNid: number, userIds: readonly string[], position: SqlParameter): WriteStatement[] {
    if (userIds.length === 0) return []
    return [{ prepared: this.#end, rows: userIds.map(userId => [position, userId, roomNid]) }]
  }

  /** What was taken for memberships were none, or is not known any more. */
  remove(roomNid: number, userIds: readonly string[]): WriteStatement[] {
    if (userIds.length === 0) return []
    return [{ prepared: this.#remove, rows: userIds.map(userId => [userId, roomNid]) }]
  }

  /** Guard `forget`: the user has left (or was banned). */
  forget(userId: string, roomNid: number): WriteStatement {
    return { prepared: this.#forget, rows: [[userId, roomNid]], guard: { name: 'forget', expected: 1 } }
  }
}
