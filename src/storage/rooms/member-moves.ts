import type { Prepared, Reader } from '../database.ts'
import type { EventNews } from './event-news.ts'

/** A member event that took its place in a room's state, or lost it: to another (then both are told), or to nothing. */
export interface MemberMove {
  readonly roomNid: number
  readonly userId: string
  readonly began: boolean
}

/** Reads who came and went, by the state of rooms: of what the resolution of a conflict changes no event need tell. */
export class MemberMoveReader {
  readonly #db: Reader
  readonly #news: EventNews
  readonly #touchedRooms: Prepared
  readonly #moves: Prepared

  constructor(db: Reader, news: EventNews) {
    this.#db = db
    this.#news = news
    this.#touchedRooms = db.prepare(
      `SELECT room_nid FROM events WHERE position > ? AND position <= ?
       UNION SELECT room_nid FROM partial_rooms WHERE completed_at > ? AND completed_at <= ?`,
    )
    const moved = (column: string, began: 0 | 1): string =>
      `SELECT room_nid, state_key, ${began} AS began FROM room_state
       WHERE ${db.dialect.inInteger('room_nid')} AND ${column} > ? AND ${column} <= ? AND type = 'm.room.member'`
    this.#moves = db.prepare(`${moved('valid_from', 1)} UNION ALL ${moved('valid_to', 0)}`)
  }

  /** What happened after one position of `events` up to another, in no order. */
  async between(after: number, upTo: number): Promise<MemberMove[]> {
    const news = await this.#news.points(after, upTo)
    if (news !== undefined)
      return news.flatMap(({ type, roomNid, stateKey: userId, began }) =>
        type === 'm.room.member' ? { roomNid, userId, began } : [],
      )
    const span = [after, upTo]
    const rooms = await this.#db.scan<{ room_nid: number }>(this.#touchedRooms, [...span, ...span])
    const half = [this.#db.list(rooms.map(row => row.room_nid)), ...span]
    const moves = await this.#db.scan<{ room_nid: number; state_key: string; began: number }>(this.#moves, [
      ...half,
      ...half,
    ])
    return moves.map(row => ({ roomNid: row.room_nid, userId: row.state_key, began: row.began === 1 }))
  }
}
