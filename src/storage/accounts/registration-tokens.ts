import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** A token that lets people register. Instants are milliseconds since 1970. */
export interface RegistrationToken {
  readonly token: string
  /** How many accounts it may make; `undefined` is any number. */
  readonly usesAllowed: number | undefined
  /** Registrations that have begun lately and hold a use. */
  readonly pending: number
  readonly completed: number
  readonly createdTs: number
  readonly expiresTs: number | undefined
}

interface TokenRow {
  token: string
  uses_allowed: number | null
  pending: number
  completed: number
  created_ts: number
  expires_ts: number | null
}

/**
 * So long after it has begun a registration holds a use for itself. Whoever broke off, as by closing the page, begins anew then with the same
 * token; and whoever takes longer, as over a mail, has it unless somebody else has used it up. Milliseconds.
 */
const HELD_MS = 600_000

/** Uses that sessions hold: counted, not kept, so that it can never drift. Placeholders: `held(now)`. */
const PENDING = `(SELECT count(*) FROM uia_sessions s
  WHERE s.registration_token = registration_tokens.token AND s.expires_ts > ? AND s.created_ts > ?)`

const held = (now: number): [now: number, begunAfter: number] => [now, now - HELD_MS]

const COLUMNS = `token, uses_allowed, ${PENDING} AS pending, completed, created_ts, expires_ts`

/** Reads registration tokens. */
export class RegistrationTokenReader {
  readonly #db: Reader
  readonly #byToken: Prepared
  readonly #list: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#byToken = db.prepare(`SELECT ${COLUMNS} FROM registration_tokens WHERE token = ?`)
    this.#list = db.prepare(`SELECT ${COLUMNS} FROM registration_tokens ORDER BY created_ts, token LIMIT ?`)
  }

  /** One token, used up and expired ones included. */
  async byToken(token: string, now: number): Promise<RegistrationToken | undefined> {
    const row = await this.#db.get<TokenRow>(this.#byToken, [...held(now), token])
    return row === undefined ? undefined : registrationToken(row)
  }

  /** All tokens, the oldest first. */
  async list(now: number, limit: number): Promise<RegistrationToken[]> {
    return (await this.#db.scan<TokenRow>(this.#list, [...held(now), limit])).map(registrationToken)
  }
}

const registrationToken = (row: TokenRow): RegistrationToken => ({
  token: row.token,
  usesAllowed: row.uses_allowed ?? undefined,
  pending: row.pending,
  completed: row.completed,
  createdTs: row.created_ts,
  expiresTs: row.expires_ts ?? undefined,
})

/** Builds the statements that change registration tokens. */
export class RegistrationTokenWriter {
  readonly #insert: Prepared
  readonly #delete: Prepared
  readonly #change: Prepared
  readonly #hold: Prepared
  readonly #reserve: Prepared
  readonly #complete: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO registration_tokens (token, uses_allowed, completed, created_ts, expires_ts)
       VALUES (?, ?, 0, ?, ?) ON CONFLICT (token) DO NOTHING`,
    )
    this.#delete = db.prepare('DELETE FROM registration_tokens WHERE token = ?')
    this.#change = db.prepare(
      'UPDATE registration_tokens SET uses_allowed = ?, expires_ts = ? WHERE token = ?',
    )
    // Changes nothing, but makes reservations of other processes wait, so that the count that follows sees them.
    this.#hold = db.prepare(
      'UPDATE registration_tokens SET completed = completed WHERE token = ? AND (expires_ts IS NULL OR expires_ts > ?)',
    )
    this.#reserve = db.prepare(
      `UPDATE uia_sessions SET registration_token = ? WHERE session_id = ? AND EXISTS (
         SELECT 1 FROM registration_tokens
         WHERE token = ? AND (uses_allowed IS NULL OR uses_allowed > completed + ${PENDING}))`,
    )
    this.#complete = db.prepare(
      `UPDATE registration_tokens SET completed = completed + 1
       WHERE token = ? AND (uses_allowed IS NULL OR uses_allowed > completed)`,
    )
  }

  /** Makes a token. Guard `token-in-use`: there is one of that name. */
  insert(token: Omit<RegistrationToken, 'pending' | 'completed'>): WriteStatement {
    return {
      prepared: this.#insert,
      rows: [[token.token, token.usesAllowed ?? null, token.createdTs, token.expiresTs ?? null]],
      guard: { name: 'token-in-use', expected: 1 },
    }
  }

  /** Deletes a token. Guard `no-such-token`. */
  delete(token: string): WriteStatement {
    return { prepared: this.#delete, rows: [[token]], guard: { name: 'no-such-token', expected: 1 } }
  }

  /** Says how often a token may be used, and until when; `null`: without limit. Guard `no-such-token`. */
  change(token: string, usesAllowed: number | null, expiresTs: number | null): WriteStatement {
    return {
      prepared: this.#change,
      rows: [[usesAllowed, expiresTs, token]],
      guard: { name: 'no-such-token', expected: 1 },
    }
  }

  /** Lets a stored session hold a use of a token. Guard `token-refused`: unknown, expired or used up. */
  reserve(token: string, sessionId: string, now: number): WriteStatement[] {
    const guard = { name: 'token-refused', expected: 1 }
    return [
      { prepared: this.#hold, rows: [[token, now]], guard },
      { prepared: this.#reserve, rows: [[token, sessionId, token, ...held(now)]], guard },
    ]
  }

  /**
   * Counts a finished registration. The session that held the use gives it up through its outcome. Guard `token-refused`: deleted, or used up
   * by others meanwhile.
   */
  complete(token: string): WriteStatement {
    return { prepared: this.#complete, rows: [[token]], guard: { name: 'token-refused', expected: 1 } }
  }
}
