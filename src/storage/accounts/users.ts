import type { RateLimit } from '../../core/call-rate.ts'
import type { Prepared, Reader } from '../database.ts'

/** `guest`: guest_access.md. `user` is everybody else with an account here. */
export type UserKind = 'user' | 'guest'

/** A local account. Instants are milliseconds since 1970. */
export interface User {
  readonly userId: string
  /** PHC string; `undefined` for guests, deactivated users and accounts that were made without a password. */
  readonly passwordHash: string | undefined
  readonly kind: UserKind
  readonly isAdmin: boolean
  readonly isLocked: boolean
  readonly isSuspended: boolean
  /** What they send reaches nobody, without their knowing. */
  readonly isShadowBanned: boolean
  readonly createdTs: number
  readonly deactivatedTs: number | undefined
  /** Moves whenever sessions are ended by force; see `UserWriter.loggedIn`. */
  readonly credentialVersion: number
}

interface UserRow {
  user_id: string
  password_hash: string | null
  kind: UserKind
  is_admin: number
  is_locked: number
  is_suspended: number
  is_shadow_banned: number
  created_ts: number
  deactivated_ts: number | null
  credential_version: number
}

const SELECT = `SELECT user_id, password_hash, kind, is_admin, is_locked, is_suspended, is_shadow_banned, created_ts, deactivated_ts,
  credential_version FROM users`

/** Reads accounts. */
export class UserReader {
  readonly #db: Reader
  readonly #byId: Prepared
  readonly #existing: Prepared
  readonly #anyAdmin: Prepared
  readonly #guests: Prepared
  readonly #cleanups: Prepared
  readonly #cleanup: Prepared
  readonly #toLogOut: Prepared
  readonly #count: Prepared
  readonly #messageLimit: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#byId = db.prepare(`${SELECT} WHERE user_id = ?`)
    this.#existing = db.prepare(`SELECT user_id FROM users WHERE ${db.dialect.inText('user_id')}`)
    this.#guests = db.prepare(
      `SELECT user_id FROM users WHERE kind = 'guest' AND ${db.dialect.inText('user_id')}`,
    )
    this.#anyAdmin = db.prepare(
      'SELECT user_id FROM users WHERE is_admin = 1 AND deactivated_ts IS NULL LIMIT 1',
    )
    this.#cleanups = db.prepare(
      'SELECT user_id, erase FROM users WHERE cleanup = 1 AND user_id > ? ORDER BY user_id LIMIT ?',
    )
    this.#cleanup = db.prepare('SELECT 1 AS pending FROM users WHERE cleanup = 1 AND user_id = ?')
    this.#toLogOut = db.prepare('SELECT user_id FROM users WHERE cleanup = 2 ORDER BY user_id LIMIT ?')
    this.#messageLimit = db.prepare(
      'SELECT message_rate, message_burst FROM users WHERE user_id = ? AND message_rate IS NOT NULL',
    )
    this.#count = db.prepare('SELECT count(*) AS total FROM users WHERE deactivated_ts IS NULL')
  }

  /** One account, deactivated ones included. */
  async byId(userId: string): Promise<User | undefined> {
    const row = await this.#db.get<UserRow>(this.#byId, [userId])
    return row === undefined ? undefined : user(row)
  }

  /** Whether a user has an account here that is in use. */
  async isActive(userId: string): Promise<boolean> {
    const found = await this.byId(userId)
    return found !== undefined && found.deactivatedTs === undefined
  }

  /** Those of the given user IDs that have an account here, deactivated ones included. */
  async existing(userIds: readonly string[]): Promise<Set<string>> {
    const rows = await this.#db.all<{ user_id: string }>(this.#existing, [this.#db.list(userIds)])
    return new Set(rows.map(row => row.user_id))
  }

  /** Those of the given user IDs that are guests here. */
  async guestsAmong(userIds: readonly string[]): Promise<string[]> {
    const rows = await this.#db.scan<{ user_id: string }>(this.#guests, [this.#db.list(userIds)])
    return rows.map(row => row.user_id)
  }

  /** Whether the server has an administrator. */
  async hasAdmin(): Promise<boolean> {
    return (await this.#db.get(this.#anyAdmin)) !== undefined
  }

  /** Deactivated users whose rooms have not all been left yet, in order of their IDs: the first ones after a user ID. */
  async pendingCleanups(after: string, limit: number): Promise<{ userId: string; erase: boolean }[]> {
    const rows = await this.#db.all<{ user_id: string; erase: number }>(this.#cleanups, [after, limit])
    return rows.map(row => ({ userId: row.user_id, erase: row.erase === 1 }))
  }

  /** Whether a user is deactivated and their rooms have not all been left yet. */
  async isCleanupPending(userId: string): Promise<boolean> {
    return (await this.#db.get(this.#cleanup, [userId])) !== undefined
  }

  /** Users whose devices were logged out by a command, and have not been removed yet. */
  async pendingLogouts(limit: number): Promise<string[]> {
    const rows = await this.#db.all<{ user_id: string }>(this.#toLogOut, [limit])
    return rows.map(row => row.user_id)
  }

  /** How many events a user may send, in place of the settings. */
  async messageLimit(userId: string): Promise<RateLimit | undefined> {
    const row = await this.#db.get<{ message_rate: number; message_burst: number }>(this.#messageLimit, [
      userId,
    ])
    return row && { perSecond: Number(row.message_rate), burst: Number(row.message_burst) }
  }

  /** How many accounts are active. Reads the whole table. */
  async count(): Promise<number> {
    const [row] = await this.#db.scan<{ total: number }>(this.#count)
    return row?.total ?? 0
  }
}

const user = (row: UserRow): User => ({
  userId: row.user_id,
  passwordHash: row.password_hash ?? undefined,
  kind: row.kind,
  isAdmin: row.is_admin === 1,
  isLocked: row.is_locked === 1,
  isSuspended: row.is_suspended === 1,
  isShadowBanned: row.is_shadow_banned === 1,
  createdTs: row.created_ts,
  deactivatedTs: row.deactivated_ts ?? undefined,
  credentialVersion: row.credential_version,
})
