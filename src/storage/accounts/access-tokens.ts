import type { RateLimit } from '../../core/call-rate.ts'
import type { Prepared, Reader } from '../database.ts'

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
  readonly isShadowBanned: boolean
  /** Events that they may send per second, and at once, in place of the settings. */
  readonly messageLimit: RateLimit | undefined
}

interface OwnerRow extends PairRow {
  message_rate: number | null
  message_burst: number | null
  kind: string
  is_admin: number
  is_locked: number
  is_suspended: number
  is_shadow_banned: number
}

const COLUMNS = `t.token_hash, t.user_id, t.device_id, t.created_ts, t.expires_ts, t.refresh_hash,
  t.refresh_expires_ts, t.supersedes, t.client_id, t.scope, t.session_hash`

/** Whoever acts as somebody else does so for as long as this holds. */
const IN_OFFICE = 'a.is_admin = 1 AND a.is_locked = 0 AND a.deactivated_ts IS NULL'

/** Reads tokens, by the hashes of the secrets. */
export class AccessTokenReader {
  readonly #db: Reader
  readonly #owner: Prepared
  readonly #byRefresh: Prepared
  readonly #bySession: Prepared
  readonly #actedAs: Prepared

  constructor(db: Reader) {
    this.#db = db
    const select = (where: string): Prepared =>
      db.prepare(
        `SELECT ${COLUMNS}, u.kind, u.is_admin, u.is_locked, u.is_suspended, u.is_shadow_banned,
           u.message_rate, u.message_burst
         FROM access_tokens t JOIN users u ON u.user_id = t.user_id
         WHERE ${where} AND u.deactivated_ts IS NULL AND (t.administrator IS NULL OR EXISTS (
           SELECT 1 FROM users a WHERE a.user_id = t.administrator AND ${IN_OFFICE}))`,
      )
    this.#owner = select('t.token_hash = ?')
    this.#byRefresh = select('t.refresh_hash = ?')
    this.#bySession = select('t.session_hash = ?')
    this.#actedAs = db.prepare('SELECT DISTINCT user_id FROM access_tokens WHERE administrator = ?')
  }

  /** As whom an administrator may act. */
  async actedAs(administrator: string): Promise<string[]> {
    const rows = await this.#db.scan<{ user_id: string }>(this.#actedAs, [administrator])
    return rows.map(row => row.user_id)
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
  isShadowBanned: row.is_shadow_banned === 1,
  messageLimit:
    row.message_rate === null
      ? undefined
      : { perSecond: Number(row.message_rate), burst: Number(row.message_burst) },
})
