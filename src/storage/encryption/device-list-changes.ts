import type { Prepared, Reader } from '../database.ts'

/** One change of a user's devices or cross-signing keys. */
export interface DeviceListChange {
  readonly position: number
  readonly userId: string
  /** Empty for cross-signing keys. */
  readonly deviceId: string
}

interface ChangeColumns {
  position: number
  user_id: string
  device_id: string
}

const changeOf = (row: ChangeColumns): DeviceListChange => ({
  position: row.position,
  userId: row.user_id,
  deviceId: row.device_id,
})

/** Two users are joined to a room together, now. */
const SHARE_A_ROOM = `EXISTS (SELECT 1 FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid
  WHERE a.user_id = ? AND a.membership = 'join' AND b.membership = 'join' AND b.user_id =`

/** Reads the stream `device_lists`. */
export class DeviceListReader {
  readonly #db: Reader
  readonly #between: Prepared
  readonly #usersBetween: Prepared
  readonly #sharingChanged: Prepared
  readonly #previous: Prepared
  readonly #latest: Prepared

  constructor(db: Reader) {
    this.#db = db
    const span = 'FROM device_list_changes c WHERE c.position > ? AND c.position <= ?'
    this.#between = db.prepare(
      `SELECT c.position, c.user_id, c.device_id ${span} AND c.audience IS NULL ORDER BY c.position LIMIT ?`,
    )
    this.#usersBetween = db.prepare(`SELECT DISTINCT c.user_id, c.audience ${span}`)
    this.#sharingChanged = db.prepare(
      `SELECT DISTINCT u.user_id FROM (SELECT DISTINCT c.user_id, c.audience ${span}) u
       WHERE u.audience = ? OR (u.audience IS NULL AND (u.user_id = ? OR ${SHARE_A_ROOM} u.user_id)))`,
    )
    const changes =
      "SELECT position, user_id, device_id FROM device_list_changes WHERE user_id = ? AND device_id <> ''"
    const newestFirst = 'ORDER BY position DESC LIMIT 1'
    this.#previous = db.prepare(`${changes} AND position < ? ${newestFirst}`)
    this.#latest = db.prepare(`${changes} ${newestFirst}`)
  }

  /** The changes after one position up to another, oldest first. */
  async between(after: number, upTo: number, limit: number): Promise<DeviceListChange[]> {
    const rows = await this.#db.all<ChangeColumns>(this.#between, [after, upTo, limit])
    return rows.map(changeOf)
  }

  /** Whose devices have changed; where it concerns one user alone, with that user. */
  async usersBetween(
    after: number,
    upTo: number,
  ): Promise<{ userId: string; audience: string | undefined }[]> {
    const rows = await this.#db.scan<{ user_id: string; audience: string | null }>(this.#usersBetween, [
      after,
      upTo,
    ])
    return rows.map(row => ({ userId: row.user_id, audience: row.audience ?? undefined }))
  }

  /** Whose devices have changed among those who share a room with this user now, and the user. */
  async changedFor(userId: string, after: number, upTo: number): Promise<string[]> {
    const rows = await this.#db.scan<{ user_id: string }>(this.#sharingChanged, [
      after,
      upTo,
      userId,
      userId,
      userId,
    ])
    return rows.map(row => row.user_id)
  }

  /** The position of the change of a user's devices before this one. */
  async previous(userId: string, position: number): Promise<number | undefined> {
    return (await this.#db.get<ChangeColumns>(this.#previous, [userId, position]))?.position
  }

  /** The newest change of a user's devices, if there is one. */
  async latest(userId: string): Promise<DeviceListChange | undefined> {
    const row = await this.#db.get<ChangeColumns>(this.#latest, [userId])
    return row && changeOf(row)
  }
}
