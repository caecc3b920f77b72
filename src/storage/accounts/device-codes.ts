import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** A device that waits for somebody to let it in, in a browser elsewhere (RFC 8628). Instants are milliseconds since 1970. */
export interface DeviceCode {
  readonly codeHash: string
  /** What people type, without its dash. */
  readonly userCode: string
  readonly clientId: string
  readonly deviceId: string
  readonly scope: string
  readonly state: 'pending' | 'granted' | 'denied'
  /** Who has decided, and the version of their credentials then. */
  readonly userId: string | undefined
  readonly credentialVersion: number | undefined
  /** The session at a provider with which they had signed in. */
  readonly origin: string | undefined
  /** When it was last asked for, and how many milliseconds are to pass until the next time. */
  readonly polledTs: number
  readonly interval: number
  readonly createdTs: number
  readonly expiresTs: number
}

interface CodeRow {
  code_hash: string
  user_code: string
  client_id: string
  device_id: string
  scope: string
  state: DeviceCode['state']
  user_id: string | null
  credential_version: number | null
  origin: string | null
  polled_ts: number
  poll_interval: number
  created_ts: number
  expires_ts: number
}

const COLUMNS = `code_hash, user_code, client_id, device_id, scope, state, user_id, credential_version, origin, polled_ts,
  poll_interval, created_ts, expires_ts`

/** Reads device codes. Expired ones are answered too. */
export class DeviceCodeReader {
  readonly #db: Reader
  readonly #byHash: Prepared
  readonly #byUserCode: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#byHash = db.prepare(`SELECT ${COLUMNS} FROM oauth_device_codes WHERE code_hash = ?`)
    this.#byUserCode = db.prepare(`SELECT ${COLUMNS} FROM oauth_device_codes WHERE user_code = ?`)
  }

  /** By what the device holds. */
  async byHash(codeHash: string): Promise<DeviceCode | undefined> {
    const row = await this.#db.get<CodeRow>(this.#byHash, [codeHash])
    return row === undefined ? undefined : code(row)
  }

  /** By what people type. */
  async byUserCode(userCode: string): Promise<DeviceCode | undefined> {
    const row = await this.#db.get<CodeRow>(this.#byUserCode, [userCode])
    return row === undefined ? undefined : code(row)
  }
}

const code = (row: CodeRow): DeviceCode => ({
  codeHash: row.code_hash,
  userCode: row.user_code,
  clientId: row.client_id,
  deviceId: row.device_id,
  scope: row.scope,
  state: row.state,
  userId: row.user_id ?? undefined,
  credentialVersion: row.credential_version ?? undefined,
  origin: row.origin ?? undefined,
  polledTs: row.polled_ts,
  interval: row.poll_interval,
  createdTs: row.created_ts,
  expiresTs: row.expires_ts,
})

/** Builds the statements that change device codes. */
export class DeviceCodeWriter {
  readonly #insert: Prepared
  readonly #polled: Prepared
  readonly #decide: Prepared
  readonly #redeem: Prepared
  readonly #deleteFrom: Prepared
  readonly #prune: Prepared

  constructor(db: Reader) {
    this.#deleteFrom = db.prepare('DELETE FROM oauth_device_codes WHERE origin = ?')
    this.#insert = db.prepare(
      `INSERT INTO oauth_device_codes (${COLUMNS}) VALUES (?, ?, ?, ?, ?, 'pending', NULL, NULL, NULL, ?, ?, ?, ?)
       ON CONFLICT (user_code) DO NOTHING`,
    )
    this.#polled = db.prepare(
      'UPDATE oauth_device_codes SET polled_ts = ?, poll_interval = ? WHERE code_hash = ?',
    )
    this.#decide = db.prepare(
      `UPDATE oauth_device_codes SET state = ?, user_id = ?, credential_version = ?, origin = ?
       WHERE user_code = ? AND state = 'pending' AND expires_ts > ?`,
    )
    this.#redeem = db.prepare(
      `DELETE FROM oauth_device_codes WHERE code_hash = ? AND state = 'granted' AND expires_ts > ?`,
    )
    this.#prune = db.prepare(
      `DELETE FROM oauth_device_codes WHERE expires_ts <= ?
       OR created_ts < (SELECT created_ts FROM oauth_device_codes ORDER BY created_ts DESC LIMIT 1 OFFSET ?)`,
    )
  }

  /** Stores a code. Guard `user-code-taken`. */
  insert(code: Omit<DeviceCode, 'state' | 'userId' | 'credentialVersion' | 'origin'>): WriteStatement {
    const { codeHash, userCode, clientId, deviceId, scope, polledTs, interval, createdTs, expiresTs } = code
    return {
      prepared: this.#insert,
      rows: [[codeHash, userCode, clientId, deviceId, scope, polledTs, interval, createdTs, expiresTs]],
      guard: { name: 'user-code-taken', expected: 1 },
    }
  }

  /** Notes that the device has asked. */
  polled(codeHash: string, now: number, interval: number): WriteStatement {
    return { prepared: this.#polled, rows: [[now, interval, codeHash]] }
  }

  /** Notes what somebody has decided. Guard `code-refused`: decided already, or expired. */
  decide(
    userCode: string,
    decision: {
      state: 'granted' | 'denied'
      userId: string
      credentialVersion: number
      origin: string | undefined
    },
    now: number,
  ): WriteStatement {
    const { state, userId, credentialVersion, origin } = decision
    return {
      prepared: this.#decide,
      rows: [[state, userId, credentialVersion, origin ?? null, userCode, now]],
      guard: { name: 'code-refused', expected: 1 },
    }
  }

  /** Uses a granted code up. Guard `code-refused`. */
  redeem(codeHash: string, now: number): WriteStatement {
    return { prepared: this.#redeem, rows: [[codeHash, now]], guard: { name: 'code-refused', expected: 1 } }
  }

  /** Withdraws what was granted with sessions at providers. */
  deleteFrom(origins: readonly string[]): WriteStatement {
    return { prepared: this.#deleteFrom, rows: origins.map(origin => [origin]) }
  }

  /** Removes what expired before an instant, and the oldest beyond `keep`. */
  prune(before: number, keep: number): WriteStatement {
    return { prepared: this.#prune, rows: [[before, keep - 1]] }
  }
}
