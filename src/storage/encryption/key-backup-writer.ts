import type { Prepared, Reader, WriteStatement } from '../database.ts'
import type { BackedUpKey, BackupVersion } from './key-backups.ts'

/** What keys are meant: all, those of a room, or one. */
export interface KeySelection {
  readonly roomId?: string | undefined
  readonly sessionId?: string | undefined
}

/**
 * So many versions a user has at most; the oldest goes with its keys when one more is made. Only the newest is written to,
 * and clients delete those that they replace.
 */
const MAX_VERSIONS = 100

/** Builds the statements that change backups. */
export class KeyBackupWriter {
  readonly #create: Prepared
  readonly #setAuthData: Prepared
  readonly #delete: Prepared
  readonly #prune: Prepared
  readonly #dropOldKeys: Prepared
  readonly #dropOld: Prepared
  readonly #forgetKeys: Prepared
  readonly #forget: Prepared
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
    // The newest stays, deleted or not: versions are counted from it.
    this.#prune = db.prepare(
      `DELETE FROM key_backups WHERE user_id = ? AND deleted = 1
       AND version < (SELECT max(newest.version) FROM key_backups newest WHERE newest.user_id = ?)`,
    )
    const isOld = `user_id = ? AND version <= (SELECT beyond.version FROM key_backups beyond
       WHERE beyond.user_id = ? AND beyond.deleted = 0 ORDER BY beyond.version DESC LIMIT 1 OFFSET ${MAX_VERSIONS})`
    this.#dropOldKeys = db.prepare(`DELETE FROM backed_up_keys WHERE ${isOld}`)
    this.#dropOld = db.prepare(`DELETE FROM key_backups WHERE ${isOld}`)
    this.#forgetKeys = db.prepare('DELETE FROM backed_up_keys WHERE user_id = ?')
    this.#forget = db.prepare('DELETE FROM key_backups WHERE user_id = ?')
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

  /**
   * Makes a version after all that ever were, and removes the oldest beyond what a user may have. Returns `created`. Two at
   * once: the later violates the primary key.
   */
  create(userId: string, algorithm: string, authData: string): WriteStatement[] {
    return [
      { prepared: this.#create, rows: [[userId, algorithm, authData, userId]], returning: 'created' },
      { prepared: this.#prune, rows: [[userId, userId]] },
      { prepared: this.#dropOldKeys, rows: [[userId, userId]] },
      { prepared: this.#dropOld, rows: [[userId, userId]] },
    ]
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
      { prepared: this.#prune, rows: [[userId, userId]] },
    ]
  }

  /** Deletes all that a user has, also how many versions there were. */
  forget(userId: string): WriteStatement[] {
    return [this.#forgetKeys, this.#forget].map(prepared => ({ prepared, rows: [[userId]] }))
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
