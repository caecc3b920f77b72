import type { Prepared, Reader, SqlParameter, WriteStatement } from '../database.ts'
import { MEMBERS_OF_ROOM, type StatePoint } from './partial-rooms.ts'

/** A member of whom is learnt later that they were one when we joined. */
export interface LateMember {
  readonly userId: string
  readonly nid: number
}

/** Builds the statements that begin and end the lack of members, and fill it. */
export class PartialRoomWriter {
  readonly #begin: Prepared
  readonly #complete: Prepared
  readonly #unfinished: Prepared
  readonly #reopen: Prepared
  readonly #forget: Prepared
  readonly #fill: Prepared
  readonly #fillUntilNow: Prepared
  readonly #correct: Prepared
  readonly #remove: Prepared

  constructor(db: Reader) {
    this.#begin = db.prepare(
      `INSERT INTO partial_rooms (room_nid, join_nid, joined_at, servers) VALUES (?, ?, ?, ?)
       ON CONFLICT (room_nid) DO UPDATE SET join_nid = excluded.join_nid, joined_at = excluded.joined_at,
         servers = excluded.servers, completed_at = NULL`,
    )
    this.#complete = db.prepare(
      'UPDATE partial_rooms SET completed_at = ? WHERE room_nid = ? AND completed_at IS NULL',
    )
    this.#unfinished = db.prepare(
      `INSERT INTO unfinished_stays (room_nid, joined_at, ended_at)
       SELECT room_nid, joined_at, CAST(? AS bigint) FROM partial_rooms WHERE room_nid = ? AND completed_at IS NULL`,
    )
    this.#reopen = db.prepare(
      'UPDATE partial_rooms SET completed_at = NULL WHERE room_nid = ? AND joined_at = ?',
    )
    this.#forget = db.prepare('DELETE FROM unfinished_stays WHERE room_nid = ? AND joined_at = ?')
    this.#fill = db.prepare(
      `INSERT INTO room_state (room_nid, type, state_key, valid_from, event_nid, valid_to)
       VALUES (?, ?, ?, ?, ?,
         (SELECT MIN(s.valid_from) FROM room_state s
          WHERE s.room_nid = ? AND s.type = ? AND s.state_key = ? AND s.valid_from > ?))`,
    )
    this.#fillUntilNow = db.prepare(
      'INSERT INTO room_state (room_nid, type, state_key, valid_from, event_nid) VALUES (?, ?, ?, ?, ?)',
    )
    this.#correct = db.prepare(
      `UPDATE room_state SET event_nid = ? WHERE ${MEMBERS_OF_ROOM} AND state_key = ? AND valid_from = ?`,
    )
    this.#remove = db.prepare(
      `DELETE FROM room_state WHERE ${MEMBERS_OF_ROOM} AND state_key = ? AND valid_from = ?`,
    )
  }

  /** A room is joined without its members. */
  begin(room: {
    roomNid: number
    joinNid: number
    joinedAt: SqlParameter
    servers: readonly string[]
  }): WriteStatement {
    const { roomNid, joinNid, joinedAt, servers } = room
    return { prepared: this.#begin, rows: [[roomNid, joinNid, joinedAt, JSON.stringify(servers)]] }
  }

  /** All members are known from here on; the guard `partial` fails where they were known before. */
  complete(roomNid: number, position: SqlParameter): WriteStatement {
    return {
      prepared: this.#complete,
      rows: [[position, roomNid]],
      guard: { name: 'partial', expected: 1 },
    }
  }

  /** From here on nobody waits for members any more; if they have not come, no state of this stay is whole. */
  giveUp(roomNid: number, position: SqlParameter): WriteStatement[] {
    const rows = [[position, roomNid]]
    return [
      { prepared: this.#unfinished, rows },
      { prepared: this.#complete, rows },
    ]
  }

  /** The members are waited for after all, of whom it was given up to hear; the guard `stay` fails where it is the last one no more. */
  reopen(roomNid: number, joinedAt: number): WriteStatement[] {
    const rows = [[roomNid, joinedAt]]
    return [
      { prepared: this.#reopen, rows, guard: { name: 'stay', expected: 1 } },
      { prepared: this.#forget, rows },
    ]
  }

  /** Points that hold nothing in the state at a position get these events there, until what followed. */
  fill(roomNid: number, position: number, points: readonly StatePoint[]): WriteStatement[] {
    if (points.length === 0) return []
    const rows = points.map(({ type, stateKey, nid }) => [
      ...[roomNid, type, stateKey, position, nid],
      ...[roomNid, type, stateKey, position],
    ])
    return [{ prepared: this.#fill, rows }]
  }

  /** The same for points which nothing followed. Of these there may be very many: so PostgreSQL takes them together. */
  fillUntilNow(roomNid: number, position: number, points: readonly StatePoint[]): WriteStatement[] {
    if (points.length === 0) return []
    const rows = points.map(({ type, stateKey, nid }) => [roomNid, type, stateKey, position, nid])
    return [{ prepared: this.#fillUntilNow, rows }]
  }

  /** Members who have a place that began at a position get another event there. */
  correct(roomNid: number, position: number, members: readonly LateMember[]): WriteStatement[] {
    if (members.length === 0) return []
    return [
      { prepared: this.#correct, rows: members.map(({ userId, nid }) => [nid, roomNid, userId, position]) },
    ]
  }

  /** Users who had no membership after all lose the place that began at a position. */
  remove(roomNid: number, position: number, userIds: readonly string[]): WriteStatement[] {
    if (userIds.length === 0) return []
    return [{ prepared: this.#remove, rows: userIds.map(userId => [roomNid, userId, position]) }]
  }
}
