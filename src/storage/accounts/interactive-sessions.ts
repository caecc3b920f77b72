import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** A session of user-interactive authentication. Instants are milliseconds since 1970. */
export interface InteractiveSession {
  readonly sessionId: string
  /** What is being authenticated, such as `POST /_matrix/client/v3/delete_devices`. */
  readonly operation: string
  /** A hash of the request that passed the first stage, or has begun the session: where it is good for that request alone. */
  readonly requestHash: string | undefined
  /** Whose access token came with the request. */
  readonly userId: string | undefined
  /** Stages, in the order of completion. */
  readonly completed: readonly string[]
  /** The `params` that the client was shown, as JSON. */
  readonly params: string
  readonly registrationToken: string | undefined
  /** The session in which an e-mail address was validated, if a stage has shown one. */
  readonly emailSid: string | undefined
  /** The ways to complete it: lists of stages. */
  readonly flows: readonly (readonly string[])[]
  /** What the request of a registration asked for: JSON of the operation's own. */
  readonly wish: string | undefined
  /** What came of it, once the operation has been performed: JSON of the operation's own. */
  readonly outcome: string | undefined
  readonly createdTs: number
  readonly expiresTs: number
}

interface SessionRow {
  session_id: string
  operation: string
  request_hash: string | null
  user_id: string | null
  completed: string
  params: string
  registration_token: string | null
  email_sid: string | null
  flows: string | null
  wish: string | null
  outcome: string | null
  created_ts: number
  expires_ts: number
}

/** Reads sessions. */
export class InteractiveSessionReader {
  readonly #db: Reader
  readonly #byId: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#byId = db.prepare(
      `SELECT session_id, operation, request_hash, user_id, completed, params, registration_token, email_sid, flows, wish, outcome,
         created_ts, expires_ts
       FROM uia_sessions WHERE session_id = ? AND expires_ts > ?`,
    )
  }

  /** A session that has not expired. */
  async byId(sessionId: string, now: number): Promise<InteractiveSession | undefined> {
    const row = await this.#db.get<SessionRow>(this.#byId, [sessionId, now])
    if (row === undefined) return undefined
    return {
      sessionId: row.session_id,
      operation: row.operation,
      requestHash: row.request_hash ?? undefined,
      userId: row.user_id ?? undefined,
      completed: JSON.parse(row.completed) as string[],
      params: row.params,
      registrationToken: row.registration_token ?? undefined,
      emailSid: row.email_sid ?? undefined,
      flows: JSON.parse(row.flows ?? '[]') as string[][],
      wish: row.wish ?? undefined,
      outcome: row.outcome ?? undefined,
      createdTs: row.created_ts,
      expiresTs: row.expires_ts,
    }
  }
}

/** Builds the statements that change sessions. */
export class InteractiveSessionWriter {
  readonly #insert: Prepared
  readonly #complete: Prepared
  readonly #wish: Prepared
  readonly #conclude: Prepared
  readonly #use: Prepared
  readonly #prune: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO uia_sessions (session_id, operation, request_hash, user_id, completed, params, email_sid,
         flows, created_ts, expires_ts)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#complete = db.prepare(
      `UPDATE uia_sessions SET completed = ?, request_hash = ?, user_id = ?, email_sid = ?, expires_ts = ? WHERE session_id = ? AND completed = ?`,
    )
    this.#wish = db.prepare('UPDATE uia_sessions SET wish = ? WHERE session_id = ? AND outcome IS NULL')
    this.#conclude = db.prepare(
      `UPDATE uia_sessions SET outcome = ?, registration_token = NULL, wish = NULL
       WHERE session_id = ? AND outcome IS NULL`,
    )
    this.#use = db.prepare('DELETE FROM uia_sessions WHERE session_id = ?')
    this.#prune = db.prepare(
      `DELETE FROM uia_sessions WHERE expires_ts <= ?
       OR created_ts < (SELECT created_ts FROM uia_sessions ORDER BY created_ts DESC LIMIT 1 OFFSET ?)`,
    )
  }

  /** Stores a new session. */
  insert(session: Omit<InteractiveSession, 'registrationToken' | 'wish' | 'outcome'>): WriteStatement {
    const {
      sessionId,
      operation,
      requestHash,
      userId,
      completed,
      params,
      emailSid,
      flows,
      createdTs,
      expiresTs,
    } = session
    return {
      prepared: this.#insert,
      rows: [
        [
          sessionId,
          operation,
          requestHash ?? null,
          userId ?? null,
          JSON.stringify(completed),
          params,
          emailSid ?? null,
          JSON.stringify(flows),
          createdTs,
          expiresTs,
        ],
      ],
    }
  }

  /**
   * Moves a session on: a stage more, the request and the user that it stands for from then on, a new expiry.
   * Guard `session-changed`: another request completed a stage meanwhile, or the session is gone.
   */
  complete(before: InteractiveSession, after: InteractiveSession): WriteStatement {
    return {
      prepared: this.#complete,
      rows: [
        [
          JSON.stringify(after.completed),
          after.requestHash ?? null,
          after.userId ?? null,
          after.emailSid ?? null,
          after.expiresTs,
          before.sessionId,
          JSON.stringify(before.completed),
        ],
      ],
      guard: { name: 'session-changed', expected: 1 },
    }
  }

  /** Notes what the request of a session asked for. */
  wish(sessionId: string, wish: string): WriteStatement {
    return { prepared: this.#wish, rows: [[wish, sessionId]] }
  }

  /** Notes what came of a session, which then holds no registration token and no password. Guard `session-concluded`: it had one. */
  conclude(sessionId: string, outcome: string): WriteStatement {
    return {
      prepared: this.#conclude,
      rows: [[outcome, sessionId]],
      guard: { name: 'session-concluded', expected: 1 },
    }
  }

  /** Uses a session up. Guard `session-gone`: somebody else did. */
  use(sessionId: string): WriteStatement {
    return { prepared: this.#use, rows: [[sessionId]], guard: { name: 'session-gone', expected: 1 } }
  }

  /** Removes what has expired, and the oldest sessions beyond `keep`. */
  prune(now: number, keep: number): WriteStatement {
    return { prepared: this.#prune, rows: [[now, keep - 1]] }
  }
}
