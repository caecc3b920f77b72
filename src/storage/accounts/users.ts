import type { Prepared, Reader, WriteStatement } from '../database.ts'

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
  created_ts: number
  deactivated_ts: number | null
  credential_version: number
}

const SELECT = `SELECT user_id, password_hash, kind, is_admin, is_locked, is_suspended, created_ts, deactivated_ts,
  credential_version FROM users`

/** Reads accounts. */
export class UserReader {
  readonly #db: Reader
  readonly #byId: Prepared
  readonly #existing: Prepared
  readonly #anyAdmin: Prepared
  readonly #guests: Prepared
  readonly #cleanups: Prepared
  readonly #toLogOut: Prepared
  readonly #count: Prepared

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
    this.#cleanups = db.prepare('SELECT user_id, erase FROM users WHERE cleanup = 1 ORDER BY user_id LIMIT ?')
    this.#toLogOut = db.prepare('SELECT user_id FROM users WHERE cleanup = 2 ORDER BY user_id LIMIT ?')
    this.#count = db.prepare('SELECT count(*) AS total FROM users WHERE deactivated_ts IS NULL')
  }

  /** One account, deactivated ones included. */
  async byId(userId: string): Promise<User | undefined> {
    const row = await this.#db.get<UserRow>(this.#byId, [userId])
    return row === undefined ? undefined : user(row)
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

  /** Deactivated users whose rooms have not all been left yet. */
  async pendingCleanups(limit: number): Promise<{ userId: string; erase: boolean }[]> {
    const rows = await this.#db.all<{ user_id: string; erase: number }>(this.#cleanups, [limit])
    return rows.map(row => ({ userId: row.user_id, erase: row.erase === 1 }))
  }

  /** Users whose devices were logged out by a command, and have not been removed yet. */
  async pendingLogouts(limit: number): Promise<string[]> {
    const rows = await this.#db.all<{ user_id: string }>(this.#toLogOut, [limit])
    return rows.map(row => row.user_id)
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
  createdTs: row.created_ts,
  deactivatedTs: row.deactivated_ts ?? undefined,
  credentialVersion: row.credential_version,
})

/** An account to be made. */
export interface NewUser {
  readonly userId: string
  readonly passwordHash: string | undefined
  readonly kind: UserKind
  readonly isAdmin: boolean
  readonly createdTs: number
  /** JSON: which version of each policy document was accepted. */
  readonly acceptedTerms?: string | undefined
}

/** What an administrator may switch on an account. */
export type UserFlag = 'is_admin' | 'is_locked' | 'is_suspended'

/** Builds the statements that change accounts. */
export class UserWriter {
  readonly #insert: Prepared
  readonly #upgradeGuest: Prepared
  readonly #loggedIn: Prepared
  readonly #setPassword: Prepared
  readonly #rehash: Prepared
  readonly #deactivate: Prepared
  readonly #cleanedUp: Prepared
  readonly #endSessions: Prepared
  readonly #flags: Record<UserFlag, Prepared>

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO users (user_id, password_hash, kind, is_admin, is_locked, is_suspended, created_ts, erase, cleanup,
         credential_version, accepted_terms)
       VALUES (?, ?, ?, ?, 0, 0, ?, 0, 0, 0, ?) ON CONFLICT (user_id) DO NOTHING`,
    )
    this.#upgradeGuest = db.prepare(
      `UPDATE users SET kind = 'user', password_hash = ?, accepted_terms = ?, credential_version = credential_version + 1
       WHERE user_id = ? AND kind = 'guest' AND deactivated_ts IS NULL`,
    )
    this.#loggedIn = db.prepare(
      `UPDATE users SET last_login_ts = ?
       WHERE user_id = ? AND credential_version = ? AND deactivated_ts IS NULL`,
    )
    this.#setPassword = db.prepare(
      `UPDATE users SET password_hash = ?, credential_version = credential_version + 1
       WHERE user_id = ? AND deactivated_ts IS NULL`,
    )
    this.#rehash = db.prepare('UPDATE users SET password_hash = ? WHERE user_id = ? AND password_hash = ?')
    this.#deactivate = db.prepare(
      `UPDATE users SET password_hash = NULL, deactivated_ts = ?, erase = ?, cleanup = 1,
         erased_position = CASE WHEN CAST(? AS bigint) = 1
           THEN (SELECT coalesce(max(position), 0) FROM events WHERE position IS NOT NULL) END,
         credential_version = credential_version + 1
       WHERE user_id = ? AND deactivated_ts IS NULL`,
    )
    this.#endSessions = db.prepare(
      `UPDATE users SET cleanup = 2, credential_version = credential_version + 1
       WHERE user_id = ? AND deactivated_ts IS NULL`,
    )
    this.#cleanedUp = db.prepare('UPDATE users SET cleanup = 0 WHERE user_id = ?')
    const flag = (name: UserFlag): Prepared => db.prepare(`UPDATE users SET ${name} = ? WHERE user_id = ?`)
    this.#flags = {
      is_admin: flag('is_admin'),
      is_locked: flag('is_locked'),
      is_suspended: flag('is_suspended'),
    }
  }

  /** Makes an account. Guard `user-in-use`: the user ID is taken, be it by a deactivated account. */
  insert(user: NewUser): WriteStatement {
    const { userId, passwordHash, kind, isAdmin, createdTs, acceptedTerms } = user
    return {
      prepared: this.#insert,
      rows: [[userId, passwordHash ?? null, kind, isAdmin ? 1 : 0, createdTs, acceptedTerms ?? null]],
      guard: { name: 'user-in-use', expected: 1 },
    }
  }

  /** Makes a guest an ordinary user. Guard `user-in-use`: there is no such guest (any more). */
  upgradeGuest({ userId, passwordHash, acceptedTerms }: NewUser): WriteStatement {
    return {
      prepared: this.#upgradeGuest,
      rows: [[passwordHash ?? null, acceptedTerms ?? null, userId]],
      guard: { name: 'user-in-use', expected: 1 },
    }
  }

  /**
   * Records a login. Guard `credentials-changed`: since the credentials were verified, the password was changed or the
   * account deactivated. It also locks the row, so that a login cannot slip past the logout everywhere that
   * comes with such a change.
   */
  loggedIn(userId: string, credentialVersion: number, now: number): WriteStatement {
    return {
      prepared: this.#loggedIn,
      rows: [[now, userId, credentialVersion]],
      guard: { name: 'credentials-changed', expected: 1 },
    }
  }

  /** Sets the password. Guard `no-such-user`: no active account. */
  setPassword(userId: string, passwordHash: string): WriteStatement {
    return {
      prepared: this.#setPassword,
      rows: [[passwordHash, userId]],
      guard: { name: 'no-such-user', expected: 1 },
    }
  }

  /** Replaces the hash of an unchanged password by one of another cost, unless the password was changed meanwhile. */
  rehash(userId: string, from: string, to: string): WriteStatement {
    return { prepared: this.#rehash, rows: [[to, userId, from]] }
  }

  /** Deactivates an account. Guard `no-such-user`: no active account. */
  deactivate(userId: string, erase: boolean, now: number): WriteStatement {
    return {
      prepared: this.#deactivate,
      rows: [[now, erase ? 1 : 0, erase ? 1 : 0, userId]],
      guard: { name: 'no-such-user', expected: 1 },
    }
  }

  /** Notes that all devices of a user are to be removed that no token is good for. Guard `no-such-user`: no active account. */
  endSessions(userId: string): WriteStatement {
    return {
      prepared: this.#endSessions,
      rows: [[userId]],
      guard: { name: 'no-such-user', expected: 1 },
    }
  }

  /** Notes that a deactivated user has left all rooms, or that the devices of one who was logged out are gone. */
  cleanedUp(userId: string): WriteStatement {
    return { prepared: this.#cleanedUp, rows: [[userId]] }
  }

  /** Switches a flag. Guard `no-such-user`. */
  setFlag(userId: string, flag: UserFlag, value: boolean): WriteStatement {
    return {
      prepared: this.#flags[flag],
      rows: [[value ? 1 : 0, userId]],
      guard: { name: 'no-such-user', expected: 1 },
    }
  }
}
