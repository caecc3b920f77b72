import type { Prepared, Reader, WriteStatement } from '../database.ts'

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

/** What keys are meant: all, those of a room, or one. */
export interface KeySelection {
  readonly roomId?: string | undefined
  readonly sessionId?: string | undefined
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
  readonly #current: Prepared
  readonly #page: Prepared
  readonly #roomPage: Prepared
  readonly #key: Prepared
  readonly #among: Prepared
  readonly #count: Prepared

  constructor(db: Reader) {
    this.#db = db
    const version = 'SELECT version, algorithm, auth_data, etag, key_count FROM key_backups'
    this.#one = db.prepare(`${version} WHERE user_id = ? AND version = ? AND deleted = 0`)
    this.#current = db.prepare(`${version} WHERE user_id = ? AND deleted = 0 ORDER BY version DESC LIMIT 1`)
    const keys = `SELECT room_id, session_id, first_message_index, forwarded_count, is_verified, session_data
      FROM backed_up_keys WHERE user_id = ? AND version = ?`
    this.#page = db.prepare(`${keys} AND (room_id, session_id) > (?, ?) ORDER BY room_id, session_id LIMIT ?`)
    this.#roomPage = db.prepare(`${keys} AND room_id = ? AND session_id > ? ORDER BY session_id LIMIT ?`)
    this.#key = db.prepare(`${keys} AND room_id = ? AND session_id = ?`)
    this.#among = db.prepare(`${keys} AND room_id = ? AND ${db.dialect.inText('session_id')}`)
    this.#count = db.prepare(
      `SELECT count(*) AS n FROM backed_up_keys WHERE user_id = ? AND version = ? AND room_id = ?`,
    )
  }

  /** A version that was not deleted. */
  async version(userId: string, version: number): Promise<BackupVersion | undefined> {
    const row = await this.#db.get<VersionColumns>(this.#one, [userId, version])
    return row && backupVersion(row)
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

  /** How many keys of a room are in the backup. */
  async countInRoom(userId: string, version: number, roomId: string): Promise<number> {
    return (await this.#db.scan<{ n: number }>(this.#count, [userId, version, roomId]))[0]?.n ?? 0
  }
}

/** Builds the statements that change backups. */
export class KeyBackupWriter {
  readonly #create: Prepared
  readonly #setAuthData: Prepared
  readonly #delete: Prepared
  readonly #advance: Prepared
  readonly #setKey: Prepared
  readonly #dropAll: Prepared
  readonly #dropRoom: Prepared
  readonly #dropKey: Prepared

  constructor(db: Reader) {
    this.#create = db.prepare(
      `INSERT INTO key_backups (user_id, version, algorithm, auth_data, etag, key_count, deleted)
       SELECT CAST(? AS text), 1 + coalesce(max(version), 0), CAST(? AS text), CAST(? AS text), 0, 0, 0
       FROM key_backups WHERE user_id = ? RETURNING version`,
    )
    this.#setAuthData = db.prepare(
      'UPDATE key_backups SET auth_data = ? WHERE user_id = ? AND version = ? AND deleted = 0',
    )
    this.#delete = db.prepare(
      `UPDATE key_backups SET deleted = 1, key_count = 0, auth_data = '{}'
       WHERE user_id = ? AND version = ? AND deleted = 0`,
    )
    this.#advance = db.prepare(
      `UPDATE key_backups SET etag = etag + 1, key_count = key_count + ?
       WHERE user_id = ? AND version = ? AND etag = ? AND deleted = 0`,
    )
    this.#setKey = db.prepare(
      `INSERT INTO backed_up_keys (user_id, version, room_id, session_id,
         first_message_index, forwarded_count, is_verified, session_data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (user_id, version, room_id, session_id) DO UPDATE SET
         first_message_index = excluded.first_message_index, forwarded_count = excluded.forwarded_count,
         is_verified = excluded.is_verified, session_data = excluded.session_data`,
    )
    const drop = 'DELETE FROM backed_up_keys WHERE user_id = ? AND version = ?'
    this.#dropAll = db.prepare(drop)
    this.#dropRoom = db.prepare(`${drop} AND room_id = ?`)
    this.#dropKey = db.prepare(`${drop} AND room_id = ? AND session_id = ?`)
  }

  /** Makes a version after all that ever were. Returns `created`. Two at once: the later violates the primary key. */
  create(userId: string, algorithm: string, authData: string): WriteStatement {
    return { prepared: this.#create, rows: [[userId, algorithm, authData, userId]], returning: 'created' }
  }

  /** Guard `no-such-backup`. */
  setAuthData(userId: string, version: number, authData: string): WriteStatement {
    return {
      prepared: this.#setAuthData,
      rows: [[authData, userId, version]],
      guard: { name: 'no-such-backup', expected: 1 },
    }
  }

  /** Deletes a version with its keys. Guard `no-such-backup`. */
  delete(userId: string, version: number): WriteStatement[] {
    return [
      {
        prepared: this.#delete,
        rows: [[userId, version]],
        guard: { name: 'no-such-backup', expected: 1 },
      },
      { prepared: this.#dropAll, rows: [[userId, version]] },
    ]
  }

  /** Moves the etag on from what was read. Guard `backup-changed`. */
  advance(userId: string, { version, etag }: BackupVersion, added: number): WriteStatement {
    return {
      prepared: this.#advance,
      rows: [[added, userId, version, etag]],
      guard: { name: 'backup-changed', expected: 1 },
    }
  }

  setKeys(userId: string, version: number, keys: readonly BackedUpKey[]): WriteStatement {
    return {
      prepared: this.#setKey,
      rows: keys.map(key => [
        userId,
        version,
        key.roomId,
        key.sessionId,
        key.firstMessageIndex,
        key.forwardedCount,
        key.isVerified ? 1 : 0,
        key.sessionData,
      ]),
    }
  }

  dropKeys(userId: string, version: number, { roomId, sessionId }: KeySelection): WriteStatement {
    if (roomId === undefined) return { prepared: this.#dropAll, rows: [[userId, version]] }
    if (sessionId === undefined) return { prepared: this.#dropRoom, rows: [[userId, version, roomId]] }
    return { prepared: this.#dropKey, rows: [[userId, version, roomId, sessionId]] }
  }
}
