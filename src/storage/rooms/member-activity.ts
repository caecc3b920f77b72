import type { Prepared, Reader } from '../database.ts'

interface Columns {
  event_nid: number
  room_nid: number
}

/** A member event, and its room. */
export interface MemberEventRef {
  readonly nid: number
  readonly roomNid: number
}

/** Reads by which member events a user came into rooms, and others came by the user. */
export class MemberActivityReader {
  readonly #db: Reader
  readonly #ofUser: Prepared
  readonly #byUser: Prepared

  constructor(db: Reader) {
    this.#db = db
    const since = `e.origin_server_ts >= ? AND e.type = 'm.room.member' AND e.position IS NOT NULL AND e.rejected IS NULL
      AND e.soft_failed = 0`
    this.#ofUser = db.prepare(
      `SELECT e.event_nid, e.room_nid FROM memberships m
       JOIN room_state s ON s.room_nid = m.room_nid AND s.type = 'm.room.member' AND s.state_key = m.user_id
       JOIN events e ON e.event_nid = s.event_nid
       WHERE m.user_id = ? AND ${since} LIMIT ?`,
    )
    this.#byUser = db.prepare(
      `SELECT e.event_nid, e.room_nid FROM memberships m JOIN events e ON e.room_nid = m.room_nid
       WHERE m.user_id = ? AND e.sender = ? AND e.state_key <> e.sender AND ${since} LIMIT ?`,
    )
  }

  /** The member events of a user since an instant (ms), in all rooms of which one is known. */
  async ofUser(userId: string, since: number, limit: number): Promise<MemberEventRef[]> {
    return (await this.#db.scan<Columns>(this.#ofUser, [userId, since, limit])).map(refOf)
  }

  /** The member events of others that a user has sent since an instant (ms). */
  async byUser(userId: string, since: number, limit: number): Promise<MemberEventRef[]> {
    return (await this.#db.scan<Columns>(this.#byUser, [userId, userId, since, limit])).map(refOf)
  }
}

const refOf = ({ event_nid: nid, room_nid: roomNid }: Columns): MemberEventRef => ({ nid, roomNid })
