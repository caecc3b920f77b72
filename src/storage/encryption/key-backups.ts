import type { Prepared, Reader } from '../database.ts'

/** A version of a user's backup. */
export interface BackupVersion {
  readonly version: number
  readonly algorithm: string
  /** JSON text. */
  readonly authData: string
  /** Moves with every change of the keys. */
  readonly etag: number
  readonly keyCount: number
}

/** A session's key in a backup. */
export interface BackedUpKey {
  readonly roomId: string
  readonly sessionId: string
  readonly firstMessageIndex: number
  readonly forwardedCount: number
  readonly isVerified: boolean
  /** JSON text. */
  readonly sessionData: string
}

interface VersionColumns {
  version: number
  algorithm: string
  auth_data: string
  etag: number
  key_count: number
}

interface KeyColumns {
  room_id: string
  session_id: string
  first_message_index: number
  forwarded_count: number
  is_verified: number
  session_data: string
}

const backupVersion = (row: VersionColumns): BackupVersion => ({
  version: row.version,
  algorithm: row.algorithm,
  authData: row.auth_data,
  etag: row.etag,
  keyCount: row.key_count,
})

const backedUpKey = (row: KeyColumns): BackedUpKey => ({
  roomId: row.room_id,
  sessionId: row.session_id,
  firstMessageIndex: row.first_message_index,
  forwardedCount: row.forwarded_count,
  isVerified: row.is_verified !== 0,
  sessionData: row.session_data,
})

/** Reads backups. */
export class KeyBackupReader {
  readonly #db: Reader
  readonly #one: Prepared
  readonly #made: Prepared
  readonly #current: Prepared
  readonly #page: Prepared
  readonly #roomPage: Prepared
  readonly #key: Prepared
  readonly #among: Prepared
  readonly #count: Prepared
  readonly #bytes: Prepared

  constructor(db: Reader) {
    this.#db = db
    const version = 'SELECT version, algorithm, auth_data, etag, key_count FROM key_backups'
    this.#one = db.prepare(`${version} WHERE user_id = ? AND version = ? AND deleted = 0`)
    this.#made = db.prepare('SELECT version FROM key_backups WHERE user_id = ? AND version >= ? LIMIT 1')
    this.#current = db.prepare(`${version} WHERE user_id = ? AND deleted = 0 ORDER BY version DESC LIMIT 1`)
    const keys = `SELECT room_id, session_id, first_message_index, forwarded_count, is_verified, session_data
      FROM backed_up_keys WHERE user_id = ? AND version = ?`
    this.#page = db.prepare(`${keys} AND (room_id, session_id) > (?, ?) ORDER BY room_id, session_id LIMIT ?`)
    this.#roomPage = db.prepare(`${keys} AND room_id = ? AND session_id > ? ORDER BY session_id LIMIT ?`)
    this.#key = db.prepare(`${keys} AND room_id = ? AND session_id = ?`)
    this.#among = db.prepare(`${keys} AND room_id = ? AND ${db.dialect.inText('session_id')}`)
    this.#bytes = db.prepare(
      'SELECT COALESCE(SUM(octet_length(session_data)), 0) AS bytes FROM backed_up_keys WHERE user_id = ?',
    )
    this.#count = db.prepare(
      `SELECT count(*) AS n FROM backed_up_keys WHERE user_id = ? AND version = ? AND room_id = ?`,
    )
  }

  /** A version that was not deleted. */
  async version(userId: string, version: number): Promise<BackupVersion | undefined> {
    const row = await this.#db.get<VersionColumns>(this.#one, [userId, version])
    return row && backupVersion(row)
  }

  /** Whether there is such a version, or was before it was deleted: they are counted from one. */
  async wasMade(userId: string, version: number): Promise<boolean> {
    return (await this.#db.get(this.#made, [userId, version])) !== undefined
  }

  /** The newest version that was not deleted. */
  async current(userId: string): Promise<BackupVersion | undefined> {
    const row = await this.#db.get<VersionColumns>(this.#current, [userId])
    return row && backupVersion(row)
  }

  /** The next keys of a backup in the order of room and session. */
  async page(
    userId: string,
    version: number,
    after: { readonly roomId: string; readonly sessionId: string },
    limit: number,
  ): Promise<BackedUpKey[]> {
    const parameters = [userId, version, after.roomId, after.sessionId, limit]
    return (await this.#db.scan<KeyColumns>(this.#page, parameters)).map(backedUpKey)
  }

  /** The next keys of one room in the order of sessions. */
  async roomPage(
    userId: string,
    version: number,
    after: { readonly roomId: string; readonly sessionId: string },
    limit: number,
  ): Promise<BackedUpKey[]> {
    const parameters = [userId, version, after.roomId, after.sessionId, limit]
    return (await this.#db.scan<KeyColumns>(this.#roomPage, parameters)).map(backedUpKey)
  }

  /** One key. */
  async key(
    userId: string,
    version: number,
    roomId: string,
    sessionId: string,
  ): Promise<BackedUpKey | undefined> {
    const row = await this.#db.get<KeyColumns>(this.#key, [userId, version, roomId, sessionId])
    return row && backedUpKey(row)
  }

  /** Those of a room's sessions that are in the backup. */
  async among(
    userId: string,
    version: number,
    roomId: string,
    sessionIds: readonly string[],
  ): Promise<BackedUpKey[]> {
    const parameters = [userId, version, roomId, this.#db.list(sessionIds)]
    return (await this.#db.scan<KeyColumns>(this.#among, parameters)).map(backedUpKey)
  }

  /** What the keys in all backups of a user take. Reads all of them. */
  async bytes(userId: string): Promise<number> {
    return (await this.#db.scan<{ bytes: number }>(this.#bytes, [userId]))[0]?.bytes ?? 0
  }

  /** How many keys of a room are in the backup. */
  async countInRoom(userId: string, version: number, roomId: string): Promise<number> {
    return (await this.#db.scan<{ n: number }>(this.#count, [userId, version, roomId]))[0]?.n ?? 0
  }
}
