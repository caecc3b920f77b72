import type { Prepared, Reader } from '../database.ts'

/** Counts what users of this server have to do with rooms. */
export class LocalDeviceCounter {
  readonly #db: Reader
  readonly #devices: Prepared
  readonly #remembered: Prepared

  constructor(db: Reader) {
    this.#db = db
    const here = 'm.room_nid = ? AND m.host = ?'
    this.#devices = db.prepare(
      `SELECT COUNT(*) AS n FROM memberships m JOIN devices d ON d.user_id = m.user_id
       WHERE ${here} AND m.membership = 'join'`,
    )
    this.#remembered = db.prepare(
      `SELECT 1 AS one FROM memberships m WHERE ${here} AND m.forgotten = 0 LIMIT 1`,
    )
  }

  /** The devices of those who are in a room, and whether anybody here has not forgotten it. */
  async ofRoom(roomNid: number, serverName: string): Promise<{ devices: number; isRemembered: boolean }> {
    const [[count], remembered] = await Promise.all([
      this.#db.scan<{ n: number }>(this.#devices, [roomNid, serverName]),
      this.#db.scan(this.#remembered, [roomNid, serverName]),
    ])
    return { devices: Number(count?.n ?? 0), isRemembered: remembered.length > 0 }
  }
}
