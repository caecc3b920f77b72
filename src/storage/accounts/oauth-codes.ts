import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** What a user has granted to a client, until the client fetches it with the code. Instants are milliseconds since 1970. */
export interface OAuthCode {
  readonly codeHash: string
  readonly clientId: string
  readonly userId: string
  readonly deviceId: string
  readonly scope: string
  readonly redirectUri: string
  readonly codeChallenge: string
  /** Of the account when it was granted. */
  readonly credentialVersion: number
  /** The session at a provider with which who has granted it had signed in. */
  readonly origin: string | undefined
  /** The session that was begun with it; a code that has one is spent. */
  readonly sessionHash: string | undefined
  readonly createdTs: number
  readonly expiresTs: number
}

interface CodeRow {
  code_hash: string
  client_id: string
  user_id: string
  device_id: string
  scope: string
  redirect_uri: string
  code_challenge: string
  credential_version: number
  origin: string | null
  session_hash: string | null
  created_ts: number
  expires_ts: number
}

const COLUMNS = `code_hash, client_id, user_id, device_id, scope, redirect_uri, code_challenge, credential_version, origin,
  session_hash, created_ts, expires_ts`

/** Reads authorisation codes. */
export class OAuthCodeReader {
  readonly #db: Reader
  readonly #find: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#find = db.prepare(`SELECT ${COLUMNS} FROM oauth_codes WHERE code_hash = ?`)
  }

  /** A code, be it spent or expired. */
  async find(codeHash: string): Promise<OAuthCode | undefined> {
    const row = await this.#db.get<CodeRow>(this.#find, [codeHash])
    return row === undefined ? undefined : code(row)
  }
}

const code = (row: CodeRow): OAuthCode => ({
  codeHash: row.code_hash,
  clientId: row.client_id,
  userId: row.user_id,
  deviceId: row.device_id,
  scope: row.scope,
  redirectUri: row.redirect_uri,
  codeChallenge: row.code_challenge,
  credentialVersion: row.credential_version,
  origin: row.origin ?? undefined,
  sessionHash: row.session_hash ?? undefined,
  createdTs: row.created_ts,
  expiresTs: row.expires_ts,
})

/** Builds the statements that change authorisation codes. */
export class OAuthCodeWriter {
  readonly #insert: Prepared
  readonly #redeem: Prepared
  readonly #deleteFrom: Prepared
  readonly #prune: Prepared

  constructor(db: Reader) {
    this.#deleteFrom = db.prepare('DELETE FROM oauth_codes WHERE origin = ?')
    this.#insert = db.prepare(
      `INSERT INTO oauth_codes (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?)`,
    )
    this.#redeem = db.prepare(
      'UPDATE oauth_codes SET session_hash = ? WHERE code_hash = ? AND session_hash IS NULL AND expires_ts > ?',
    )
    this.#prune = db.prepare('DELETE FROM oauth_codes WHERE expires_ts <= ?')
  }

  /** Stores a code. */
  insert(granted: Omit<OAuthCode, 'sessionHash'>): WriteStatement {
    return {
      prepared: this.#insert,
      rows: [
        [
          granted.codeHash,
          granted.clientId,
          granted.userId,
          granted.deviceId,
          granted.scope,
          granted.redirectUri,
          granted.codeChallenge,
          granted.credentialVersion,
          granted.origin ?? null,
          granted.createdTs,
          granted.expiresTs,
        ],
      ],
    }
  }

  /** Spends a code for a session. Guard `code-refused`: spent or expired. */
  redeem(codeHash: string, sessionHash: string, now: number): WriteStatement {
    return {
      prepared: this.#redeem,
      rows: [[sessionHash, codeHash, now]],
      guard: { name: 'code-refused', expected: 1 },
    }
  }

  /** Withdraws what was granted with sessions at providers. */
  deleteFrom(origins: readonly string[]): WriteStatement {
    return { prepared: this.#deleteFrom, rows: origins.map(origin => [origin]) }
  }

  /** Removes codes that expired before an instant. */
  prune(before: number): WriteStatement {
    return { prepared: this.#prune, rows: [[before]] }
  }
}
