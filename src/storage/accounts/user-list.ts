import type { Prepared, Reader } from '../database.ts'
import type { UserKind } from './users.ts'

/** An account as operators see it. Instants are milliseconds since 1970. */
export interface ListedUser {
  readonly userId: string
  readonly kind: UserKind
  readonly displayName: string | undefined
  readonly isAdmin: boolean
  readonly isLocked: boolean
  readonly isSuspended: boolean
  readonly devices: number
  readonly lastSeenTs: number | undefined
  readonly createdTs: number
  readonly deactivatedTs: number | undefined
}

interface Columns {
  user_id: string
  kind: UserKind
  displayname: string | null
  is_admin: number
  is_locked: number
  is_suspended: number
  devices: number
  last_seen_ts: number | null
  created_ts: number
  deactivated_ts: number | null
}

/** Reads accounts for operators, in the order of their user IDs. */
export class UserLister {
  readonly #db: Reader
  readonly #after: Prepared
  readonly #matching: Prepared
  readonly #one: Prepared

  constructor(db: Reader) {
    this.#db = db
    const select = `SELECT u.user_id, u.kind, u.is_admin, u.is_locked, u.is_suspended, u.created_ts, u.deactivated_ts, p.displayname,
        (SELECT count(*) FROM devices d WHERE d.user_id = u.user_id) AS devices,
        (SELECT max(d.last_seen_ts) FROM devices d WHERE d.user_id = u.user_id) AS last_seen_ts
      FROM users u LEFT JOIN profiles p ON p.user_id = u.user_id`
    this.#after = db.prepare(`${select} WHERE u.user_id > ? ORDER BY u.user_id LIMIT ?`)
    this.#matching = db.prepare(
      `${select} WHERE u.user_id > ? AND (lower(u.user_id) LIKE ? ESCAPE '!' OR lower(p.displayname) LIKE ? ESCAPE '!')
       ORDER BY u.user_id LIMIT ?`,
    )
    this.#one = db.prepare(`${select} WHERE u.user_id = ?`)
  }

  /**
   * Accounts after a user ID, deactivated ones included.
   * @param wanted.match a part of the user ID or the display name, in whatever case
   */
  async after(wanted: { from: string; match: string | undefined; limit: number }): Promise<ListedUser[]> {
    const { from, match, limit } = wanted
    const pattern = `%${match?.toLowerCase().replace(/[!%_]/g, '!$&')}%`
    const rows =
      match === undefined
        ? await this.#db.scan<Columns>(this.#after, [from, limit])
        : await this.#db.scan<Columns>(this.#matching, [from, pattern, pattern, limit])
    return rows.map(listed)
  }

  /** One account. */
  async one(userId: string): Promise<ListedUser | undefined> {
    return (await this.#db.scan<Columns>(this.#one, [userId])).map(listed)[0]
  }
}

const listed = (row: Columns): ListedUser => ({
  userId: row.user_id,
  kind: row.kind,
  displayName: row.displayname ?? undefined,
  isAdmin: row.is_admin === 1,
  isLocked: row.is_locked === 1,
  isSuspended: row.is_suspended === 1,
  devices: Number(row.devices),
  lastSeenTs: row.last_seen_ts === null ? undefined : Number(row.last_seen_ts),
  createdTs: row.created_ts,
  deactivatedTs: row.deactivated_ts ?? undefined,
})
