import type { RateLimit } from '../../core/call-rate.ts'
import type { Prepared, Reader, WriteStatement } from '../database.ts'
import type { UserKind } from './users.ts'

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
export type UserFlag = 'is_admin' | 'is_locked' | 'is_suspended' | 'is_shadow_banned'

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
  readonly #endSignIns: Prepared
  readonly #flags: Record<UserFlag, Prepared>
  readonly #setType: Prepared
  readonly #limitMessages: Prepared
  readonly #activate: Prepared
  readonly #erase: Prepared

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
           THEN (SELECT coalesce(max(position), 0) FROM events WHERE position IS NOT NULL) ELSE erased_position END,
         credential_version = credential_version + 1
       WHERE user_id = ? AND deactivated_ts IS NULL`,
    )
    this.#endSessions = db.prepare(
      `UPDATE users SET cleanup = 2, credential_version = credential_version + 1
       WHERE user_id = ? AND deactivated_ts IS NULL`,
    )
    this.#endSignIns = db.prepare(
      'UPDATE users SET credential_version = credential_version + 1 WHERE user_id = ?',
    )
    this.#cleanedUp = db.prepare('UPDATE users SET cleanup = 0 WHERE user_id = ? AND cleanup = ?')
    this.#setType = db.prepare('UPDATE users SET user_type = ? WHERE user_id = ?')
    this.#limitMessages = db.prepare('UPDATE users SET message_rate = ?, message_burst = ? WHERE user_id = ?')
    this.#erase = db.prepare(
      `UPDATE users SET erase = 1, cleanup = 1,
         erased_position = (SELECT coalesce(max(position), 0) FROM events WHERE position IS NOT NULL)
       WHERE user_id = ? AND deactivated_ts IS NOT NULL AND erase = 0`,
    )
    this.#activate = db.prepare(
      'UPDATE users SET deactivated_ts = NULL WHERE user_id = ? AND deactivated_ts IS NOT NULL AND cleanup = 0',
    )
    const flag = (name: UserFlag): Prepared => db.prepare(`UPDATE users SET ${name} = ? WHERE user_id = ?`)
    this.#flags = {
      is_admin: flag('is_admin'),
      is_locked: flag('is_locked'),
      is_suspended: flag('is_suspended'),
      is_shadow_banned: flag('is_shadow_banned'),
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

  /** Deactivates an account; what was erased before it was given back stays so. Guard `no-such-user`: no active account. */
  deactivate(userId: string, erase: boolean, now: number): WriteStatement {
    return {
      prepared: this.#deactivate,
      rows: [[now, erase ? 1 : 0, erase ? 1 : 0, userId]],
      guard: { name: 'no-such-user', expected: 1 },
    }
  }

  /** Has what a deactivated account has left erased; nothing where that was wanted before. */
  erase(userId: string): WriteStatement {
    return { prepared: this.#erase, rows: [[userId]] }
  }

  /** Notes that all devices of a user are to be removed that no token is good for. Guard `no-such-user`: no active account. */
  endSessions(userId: string): WriteStatement {
    return {
      prepared: this.#endSessions,
      rows: [[userId]],
      guard: { name: 'no-such-user', expected: 1 },
    }
  }

  /**
   * Ends what a user has begun by showing who they are and what is no session of a device (yet): on the pages of this server, grants and
   * login tokens that nobody has used, logins on the way.
   */
  endSignIns(userId: string): WriteStatement {
    return { prepared: this.#endSignIns, rows: [[userId]] }
  }

  /** Notes that a deactivated user has left all rooms, or that the devices of one who was logged out are gone; not the one for the other. */
  cleanedUp(userId: string, what: 'deactivation' | 'logout'): WriteStatement {
    return { prepared: this.#cleanedUp, rows: [[userId, what === 'deactivation' ? 1 : 2]] }
  }

  /** What kind of account it is to administrators. Guard `no-such-user`. */
  setType(userId: string, type: string | undefined): WriteStatement {
    return {
      prepared: this.#setType,
      rows: [[type ?? null, userId]],
      guard: { name: 'no-such-user', expected: 1 },
    }
  }

  /** How many events a user may send, in place of the settings. Guard `no-such-user`. */
  limitMessages(userId: string, limit: RateLimit | undefined): WriteStatement {
    return {
      prepared: this.#limitMessages,
      rows: [[limit?.perSecond ?? null, limit?.burst ?? null, userId]],
      guard: { name: 'no-such-user', expected: 1 },
    }
  }

  /** Gives a deactivated account back, as empty as it is. Guard `still-leaving`: it is in use, or has not left all rooms yet. */
  activate(userId: string): WriteStatement {
    return {
      prepared: this.#activate,
      rows: [[userId]],
      guard: { name: 'still-leaving', expected: 1 },
    }
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
