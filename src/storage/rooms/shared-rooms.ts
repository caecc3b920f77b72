import type { Prepared, Reader } from '../database.ts'

const BOTH_JOINED = `FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid AND b.user_id = ?
  WHERE a.user_id = ? AND a.membership = 'join' AND b.membership = 'join'`

/** Reads which rooms two users have in common, and with which servers a user has rooms in common. */
export class SharedRoomReader {
  readonly #db: Reader
  readonly #any: Prepared
  readonly #mayKnow: Prepared
  readonly #page: Prepared
  readonly #count: Prepared
  readonly #hosts: Prepared
  readonly #first: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#any = db.prepare(`SELECT 1 AS one ${BOTH_JOINED} LIMIT 1`)
    this.#mayKnow = db.prepare(
      `SELECT 1 AS one FROM memberships m LEFT JOIN room_summaries s ON s.room_nid = m.room_nid
       WHERE m.user_id = ? AND m.membership = 'join' AND (s.is_open = 1 OR EXISTS (
         SELECT 1 FROM memberships o WHERE o.user_id = ? AND o.room_nid = m.room_nid AND o.membership = 'join'))
       LIMIT 1`,
    )
    this.#page = db.prepare(
      `SELECT r.room_nid, r.room_id FROM rooms r JOIN (SELECT a.room_nid ${BOTH_JOINED}) s
       ON s.room_nid = r.room_nid WHERE r.room_nid > ? ORDER BY r.room_nid LIMIT ?`,
    )
    this.#count = db.prepare(`SELECT COUNT(*) AS n ${BOTH_JOINED}`)
    this.#first = db.prepare(
      `SELECT COUNT(*) AS n FROM (
         SELECT 1 FROM memberships WHERE room_nid = ? AND membership = 'join' LIMIT ?) AS first_members`,
    )
    // Counting stops where a room is known to be too large.
    this.#hosts = db.prepare(
      `SELECT DISTINCT b.host FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid
       WHERE a.user_id = ? AND a.membership = 'join' AND b.membership = 'join' AND a.room_nid IN (
         SELECT c.room_nid FROM memberships c WHERE c.user_id = ? AND c.membership = 'join' AND
           (SELECT COUNT(*) FROM (SELECT 1 FROM memberships d WHERE d.room_nid = c.room_nid
             AND d.membership = 'join' LIMIT ?) AS first_members) < ?)`,
    )
  }

  /** Whether there is a room that both have joined. */
  async any(userId: string, otherId: string): Promise<boolean> {
    return (await this.#db.get(this.#any, [otherId, userId])) !== undefined
  }

  /** Whether somebody shares a room with another, or the other one is in a room that anybody may join or read. */
  async mayKnow(userId: string, otherId: string): Promise<boolean> {
    return (await this.#db.get(this.#mayKnow, [otherId, userId])) !== undefined
  }

  /** The rooms that both have joined, by rising nid, after a given one. */
  async page(
    userId: string,
    otherId: string,
    afterNid: number,
    limit: number,
  ): Promise<{ nid: number; roomId: string }[]> {
    const parameters = [otherId, userId, afterNid, limit]
    const rows = await this.#db.scan<{ room_nid: number; room_id: string }>(this.#page, parameters)
    return rows.map(row => ({ nid: row.room_nid, roomId: row.room_id }))
  }

  /** How many rooms both have joined. */
  async count(userId: string, otherId: string): Promise<number> {
    const [row] = await this.#db.scan<{ n: number }>(this.#count, [otherId, userId])
    return row?.n ?? 0
  }

  /** The servers in those rooms of a user that have at most `maxMembers` members, the user's own among them. */
  async hosts(userId: string, maxMembers: number): Promise<string[]> {
    const parameters = [userId, userId, maxMembers + 1, maxMembers + 1]
    return (await this.#db.scan<{ host: string }>(this.#hosts, parameters)).map(row => row.host)
  }

  /** Whether more than so many users are in a room. */
  async isLarger(roomNid: number, members: number): Promise<boolean> {
    const row = await this.#db.get<{ n: number }>(this.#first, [roomNid, members + 1])
    return (row?.n ?? 0) > members
  }
}
