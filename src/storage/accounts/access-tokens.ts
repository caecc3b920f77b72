import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** What one login or refresh handed out. Tokens are hashes; instants are milliseconds since 1970. */
export interface TokenPair {
  readonly tokenHash: string
  readonly userId: string
  readonly deviceId: string
  readonly createdTs: number
  readonly expiresTs: number | undefined
  readonly refreshHash: string | undefined
  readonly refreshExpiresTs: number | undefined
  /** The pair that this one was refreshed from, while this one has not been used. */
  readonly supersedes: string | undefined
  /** Where a user has given it to a client (the OAuth 2.0 API). */
  readonly grant: TokenGrant | undefined
}

/** What a user has given to a client. */
export interface TokenGrant {
  readonly clientId: string
  readonly scope: string
  /** A hash of what all refresh tokens of the session have in common. */
  readonly sessionHash: string
}

interface PairRow {
  token_hash: string
  user_id: string
  device_id: string
  created_ts: number
  expires_ts: number | null
  refresh_hash: string | null
  refresh_expires_ts: number | null
  supersedes: string | null
  client_id: string | null
  scope: string | null
  session_hash: string | null
}

/** A pair together with what authentication has to know about its owner. */
export interface TokenOwner extends TokenPair {
  readonly isGuest: boolean
  readonly isAdmin: boolean
  readonly isLocked: boolean
  readonly isSuspended: boolean
}

interface OwnerRow extends PairRow {
  kind: string
  is_admin: number
  is_locked: number
  is_suspended: number
}

const COLUMNS = `t.token_hash, t.user_id, t.device_id, t.created_ts, t.expires_ts, t.refresh_hash,
  t.refresh_expires_ts, t.supersedes, t.client_id, t.scope, t.session_hash`

/** Reads tokens, by the hashes of the secrets. */
export class AccessTokenReader {
  readonly #db: Reader
  readonly #owner: Prepared
  readonly #byRefresh: Prepared
  readonly #bySession: Prepared

  constructor(db: Reader) {
    this.#db = db
    const select = (where: string): Prepared =>
      db.prepare(
        `SELECT ${COLUMNS}, u.kind, u.is_admin, u.is_locked, u.is_suspended
         FROM access_tokens t JOIN users u ON u.user_id = t.user_id
         WHERE ${where} AND u.deactivated_ts IS NULL`,
      )
    this.#owner = select('t.token_hash = ?')
    this.#byRefresh = select('t.refresh_hash = ?')
    this.#bySession = select('t.session_hash = ?')
  }

  /** Whose access token this is. Expired ones are answered too. */
  async owner(tokenHash: string): Promise<TokenOwner | undefined> {
    const row = await this.#db.get<OwnerRow>(this.#owner, [tokenHash])
    return row === undefined ? undefined : owner(row)
  }

  /** The pair that a refresh token belongs to. Expired ones are answered too. */
  async byRefresh(refreshHash: string): Promise<TokenOwner | undefined> {
    const row = await this.#db.get<OwnerRow>(this.#byRefresh, [refreshHash])
    return row === undefined ? undefined : owner(row)
  }

  /** A pair of a session that a user has given to a client. */
  async bySession(sessionHash: string): Promise<TokenOwner | undefined> {
    const [row] = await this.#db.all<OwnerRow>(this.#bySession, [sessionHash])
    return row === undefined ? undefined : owner(row)
  }
}

const owner = (row: OwnerRow): TokenOwner => ({
  tokenHash: row.token_hash,
  userId: row.user_id,
  deviceId: row.device_id,
  createdTs: row.created_ts,
  expiresTs: row.expires_ts ?? undefined,
  refreshHash: row.refresh_hash ?? undefined,
  refreshExpiresTs: row.refresh_expires_ts ?? undefined,
  supersedes: row.supersedes ?? undefined,
  grant:
    row.client_id === null
      ? undefined
      : { clientId: row.client_id, scope: row.scope ?? '', sessionHash: row.session_hash ?? '' },
  isGuest: row.kind === 'guest',
  isAdmin: row.is_admin === 1,
  isLocked: row.is_locked === 1,
  isSuspended: row.is_suspended === 1,
})

/** Builds the statements that change tokens. */
export class AccessTokenWriter {
  readonly #insert: Prepared
  readonly #hold: Prepared
  readonly #succeed: Prepared
  readonly #dropUnusedSuccessors: Prepared
  readonly #drop: Prepared
  readonly #confirm: Prepared
  readonly #dropUser: Prepared
  readonly #dropDevice: Prepared
  readonly #dropExpired: readonly Prepared[]

  constructor(db: Reader) {
    const columns = `token_hash, user_id, device_id, created_ts, expires_ts, refresh_hash, refresh_expires_ts,
      client_id, scope, session_hash, supersedes`
    this.#insert = db.prepare(
      `INSERT INTO access_tokens (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)`,
    )
    // Changes nothing, but makes a revocation that is under way in another process wait, or be seen.
    this.#hold = db.prepare('UPDATE access_tokens SET created_ts = created_ts WHERE token_hash = ?')
    this.#succeed = db.prepare(
      `INSERT INTO access_tokens (${columns})
       SELECT ?, user_id, device_id, ?, ?, ?, ?, client_id, scope, session_hash, token_hash
       FROM access_tokens WHERE token_hash = ?`,
    )
    this.#dropUnusedSuccessors = db.prepare(
      'DELETE FROM access_tokens WHERE supersedes = ? AND created_ts < ?',
    )
    this.#drop = db.prepare('DELETE FROM access_tokens WHERE token_hash = ?')
    this.#confirm = db.prepare('UPDATE access_tokens SET supersedes = NULL WHERE token_hash = ?')
    this.#dropUser = db.prepare('DELETE FROM access_tokens WHERE user_id = ?')
    this.#dropDevice = db.prepare('DELETE FROM access_tokens WHERE user_id = ? AND device_id = ?')
    this.#dropExpired = [
      'refresh_expires_ts IS NOT NULL AND refresh_expires_ts < ?',
      'expires_ts IS NOT NULL AND refresh_hash IS NULL AND expires_ts < ?',
    ].map(isOver => db.prepare(`DELETE FROM access_tokens WHERE ${isOver}`))
  }

  /** Stores what a login hands out. */
  insert(pair: Omit<TokenPair, 'supersedes'>): WriteStatement {
    const { tokenHash, userId, deviceId, createdTs, expiresTs, refreshHash, refreshExpiresTs, grant } = pair
    return {
      prepared: this.#insert,
      rows: [
        [
          tokenHash,
          userId,
          deviceId,
          createdTs,
          expiresTs ?? null,
          refreshHash ?? null,
          refreshExpiresTs ?? null,
          grant?.clientId ?? null,
          grant?.scope ?? null,
          grant?.sessionHash ?? null,
        ],
      ],
    }
  }

  /**
   * Stores what a refresh hands out, for the device of the pair it was refreshed from. Guard `token-gone`: that pair
   * was revoked meanwhile. Pairs that earlier repetitions of this refresh handed out before `staleBefore`, and that
   * nobody used, are dropped: so a repeated refresh leaves a bounded number of them.
   */
  succeed(
    from: string,
    pair: Omit<TokenPair, 'supersedes' | 'userId' | 'deviceId' | 'grant'>,
    staleBefore: number,
  ): WriteStatement[] {
    const { tokenHash, createdTs, expiresTs, refreshHash, refreshExpiresTs } = pair
    const values = [tokenHash, createdTs, expiresTs ?? null, refreshHash ?? null, refreshExpiresTs ?? null]
    return [
      { prepared: this.#hold, rows: [[from]], guard: { name: 'token-gone', expected: 1 } },
      { prepared: this.#dropUnusedSuccessors, rows: [[from, staleBefore]] },
      { prepared: this.#succeed, rows: [[...values, from]] },
    ]
  }

  /** The first use of a pair: what it was refreshed from is revoked. */
  confirm(tokenHash: string, supersedes: string): WriteStatement[] {
    return [
      { prepared: this.#drop, rows: [[supersedes]] },
      { prepared: this.#confirm, rows: [[tokenHash]] },
    ]
  }

  /** Revokes all tokens of a user. */
  dropUser(userId: string): WriteStatement {
    return { prepared: this.#dropUser, rows: [[userId]] }
  }

  /** Revokes all tokens of devices. */
  dropDevices(userId: string, deviceIds: readonly string[]): WriteStatement {
    return { prepared: this.#dropDevice, rows: deviceIds.map(deviceId => [userId, deviceId]) }
  }

  /** Removes tokens that expired before an instant, with nothing left to refresh them by. */
  dropExpired(before: number): WriteStatement[] {
    return this.#dropExpired.map(prepared => ({ prepared, rows: [[before]] }))
  }
}
