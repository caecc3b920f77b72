import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** Where a membership of a group stands that has not ended. */
export const OPEN = Number.MAX_SAFE_INTEGER

/** A user becomes one of a group of a room's listeners, after a position of the stream `events`. */
export interface GroupEntry {
  readonly userId: string
  readonly groupId: number
}

/** Reads which group of a room's listeners each user belongs to. */
export class GroupMemberReader {
  readonly #db: Reader
  readonly #open: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#open = db.prepare(
      `SELECT user_id, group_id FROM group_members WHERE room_nid = ? AND up_to = ${OPEN}`,
    )
  }

  /** The groups of a room's listeners now, by user. */
  async open(roomNid: number): Promise<Map<string, number>> {
    const rows = await this.#db.scan<{ user_id: string; group_id: number }>(this.#open, [roomNid])
    return new Map(rows.map(row => [row.user_id, row.group_id]))
  }
}

/** Builds the statements that move users from one group to another. */
export class GroupMemberWriter {
  readonly #leave: Prepared
  readonly #enter: Prepared
  readonly #drop: Prepared
  readonly #trim: Prepared
  readonly #forget: Prepared

  constructor(db: Reader) {
    this.#leave = db.prepare(
      `UPDATE group_members SET up_to = ? WHERE user_id = ? AND room_nid = ? AND up_to = ${OPEN}`,
    )
    this.#enter = db.prepare(
      `INSERT INTO group_members (user_id, room_nid, since, up_to, group_id) VALUES (?, ?, ?, ${OPEN}, ?)
       ON CONFLICT (user_id, room_nid, since) DO UPDATE SET up_to = excluded.up_to, group_id = excluded.group_id`,
    )
    this.#drop = db.prepare('DELETE FROM group_members WHERE user_id = ? AND room_nid = ? AND up_to <= ?')
    this.#trim = db.prepare(
      'UPDATE group_members SET since = ? WHERE user_id = ? AND room_nid = ? AND since < ?',
    )
    this.#forget = db.prepare(
      `DELETE FROM group_members WHERE up_to < ${OPEN} AND NOT EXISTS (SELECT 1 FROM group_actions g
         WHERE g.room_nid = group_members.room_nid AND g.position > group_members.since
         AND g.position <= group_members.up_to)`,
    )
  }

  /** Of what comes after a position, who is in which group of a room: some belong to theirs no longer, and others to one now. */
  move(
    { roomNid, after }: { readonly roomNid: number; readonly after: number },
    left: readonly string[],
    entered: readonly GroupEntry[],
  ): WriteStatement[] {
    return [
      ...(left.length === 0
        ? []
        : [{ prepared: this.#leave, rows: left.map(userId => [after, userId, roomNid]) }]),
      ...(entered.length === 0
        ? []
        : [
            {
              prepared: this.#enter,
              rows: entered.map(({ userId, groupId }) => [userId, roomNid, after, groupId]),
            },
          ]),
    ]
  }

  /** Nothing up to a position concerns the user as one of a group. */
  clear(rows: readonly { userId: string; roomNid: number; upTo: number }[]): WriteStatement[] {
    return [
      { prepared: this.#drop, rows: rows.map(({ userId, roomNid, upTo }) => [userId, roomNid, upTo]) },
      { prepared: this.#trim, rows: rows.map(({ userId, roomNid, upTo }) => [upTo, userId, roomNid, upTo]) },
    ]
  }

  /** Forgets to which groups users belonged when nothing was for these that is still kept. */
  forget(): WriteStatement {
    return { prepared: this.#forget, rows: [[]] }
  }
}
