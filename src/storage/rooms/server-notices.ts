import type { Prepared, Reader, WriteStatement } from '../database.ts'
import type { DueTable } from '../due-rows.ts'

/** A notice that its user has not got yet. */
export interface ServerNotice {
  readonly userId: string
  /** Content of the message, as JSON text. */
  readonly content: string
}

/** Notices of one user go out one after another. */
export const SERVER_NOTICES: DueTable = { name: 'server_notices', key: 'notice_id', lane: 'user_id' }

/** Reads which notices are to be sent, and where to. */
export class ServerNoticeReader {
  readonly #db: Reader
  readonly #notice: Prepared
  readonly #room: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#notice = db.prepare('SELECT user_id AS "userId", content FROM server_notices WHERE notice_id = ?')
    this.#room = db.prepare('SELECT room_id AS "roomId" FROM server_notice_rooms WHERE user_id = ?')
  }

  notice(noticeId: string): Promise<ServerNotice | undefined> {
    return this.#db.get<ServerNotice & Record<string, string>>(this.#notice, [noticeId])
  }

  async roomOf(userId: string): Promise<string | undefined> {
    return (await this.#db.get<{ roomId: string }>(this.#room, [userId]))?.roomId
  }
}

/** Builds the statements about notices. */
export class ServerNoticeWriter {
  readonly #add: Prepared
  readonly #addForAll: Prepared
  readonly #claimRoom: Prepared
  readonly #replaceRoom: Prepared
  readonly #remove: Prepared

  constructor(db: Reader) {
    const columns = 'notice_id, user_id, content, due_ts, wake_ts'
    this.#add = db.prepare(`INSERT INTO server_notices (${columns}) VALUES (?, ?, ?, ?, ?)`)
    this.#addForAll = db.prepare(
      `INSERT INTO server_notices (${columns})
       SELECT CAST(? AS text) || user_id, user_id, CAST(? AS text), CAST(? AS bigint), CAST(? AS bigint) FROM users
       WHERE deactivated_ts IS NULL AND kind = 'user' AND user_id <> ? AND (password_hash IS NOT NULL
         OR EXISTS (SELECT 1 FROM provider_accounts WHERE provider_accounts.user_id = users.user_id)
         OR EXISTS (SELECT 1 FROM devices WHERE devices.user_id = users.user_id))
       RETURNING user_id`,
    )
    this.#claimRoom = db.prepare(
      'INSERT INTO server_notice_rooms (user_id, room_id) VALUES (?, ?) ON CONFLICT DO NOTHING',
    )
    this.#replaceRoom = db.prepare(
      'UPDATE server_notice_rooms SET room_id = ? WHERE user_id = ? AND room_id = ?',
    )
    this.#remove = db.prepare('DELETE FROM server_notices WHERE notice_id = ?')
  }

  /** A notice for one user, due at an instant. */
  add(noticeId: string, { userId, content }: ServerNotice, at: number): WriteStatement {
    return { prepared: this.#add, rows: [[noticeId, userId, content, at, at]] }
  }

  /**
   * A notice for all who may read it: active accounts but guests, the sender, and users of application services whom
   * nobody has ever been logged in as. Who they are comes back as `user_id` under `audience`.
   */
  addForAll(prefix: string, notice: { sender: string; content: string }, at: number): WriteStatement {
    const row = [`${prefix} `, notice.content, at, at, notice.sender]
    return { prepared: this.#addForAll, rows: [row], returning: 'audience' }
  }

  /**
   * Makes a room that of the user, if theirs is still `before` (`undefined`: they had none). Guard `notice-room`: they have another
   * by now.
   */
  claimRoom(userId: string, roomId: string, before: string | undefined): WriteStatement {
    const guard = { name: 'notice-room', expected: 1 }
    return before === undefined
      ? { prepared: this.#claimRoom, rows: [[userId, roomId]], guard }
      : { prepared: this.#replaceRoom, rows: [[roomId, userId, before]], guard }
  }

  remove(noticeId: string): WriteStatement {
    return { prepared: this.#remove, rows: [[noticeId]] }
  }
}
