import type { Prepared, Reader, WriteStatement } from '../database.ts'
import type { TokenPair } from './access-tokens.ts'

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
  readonly #insertFor: Prepared
  readonly #dropActing: Prepared
  readonly #boundActing: Prepared

  constructor(db: Reader) {
    const columns = `token_hash, user_id, device_id, created_ts, expires_ts, refresh_hash, refresh_expires_ts,
      client_id, scope, session_hash, supersedes`
    this.#insert = db.prepare(
      `INSERT INTO access_tokens (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)`,
    )
    this.#insertFor = db.prepare(
      `INSERT INTO access_tokens (token_hash, user_id, device_id, created_ts, expires_ts, administrator)
       VALUES (?, ?, '', ?, ?, ?)`,
    )
    this.#dropActing = db.prepare('DELETE FROM access_tokens WHERE administrator = ?')
    this.#boundActing = db.prepare(
      `DELETE FROM access_tokens WHERE administrator = ? AND token_hash NOT IN (
         SELECT token_hash FROM access_tokens WHERE administrator = ? ORDER BY created_ts DESC, token_hash LIMIT ?)`,
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

  /** Stores a token, without a device, by which an administrator acts as a user. */
  insertFor(
    administrator: string,
    token: Pick<TokenPair, 'tokenHash' | 'userId' | 'createdTs' | 'expiresTs'>,
  ): WriteStatement {
    const { tokenHash, userId, createdTs, expiresTs } = token
    return {
      prepared: this.#insertFor,
      rows: [[tokenHash, userId, createdTs, expiresTs ?? null, administrator]],
    }
  }

  /** Revokes one token. */
  drop(tokenHash: string): WriteStatement {
    return { prepared: this.#drop, rows: [[tokenHash]] }
  }

  /** Revokes all but the newest tokens by which an administrator acts as others. */
  boundActing(administrator: string, kept: number): WriteStatement {
    return { prepared: this.#boundActing, rows: [[administrator, administrator, kept]] }
  }

  /** Revokes all tokens by which an administrator acts as somebody else. */
  dropActing(administrator: string): WriteStatement {
    return { prepared: this.#dropActing, rows: [[administrator]] }
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
