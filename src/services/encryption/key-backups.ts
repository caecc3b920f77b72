import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { parseJson } from '../../core/parse-json.ts'
import { ConstraintError } from '../../storage/database.ts'
import type { KeySelection } from '../../storage/encryption/key-backup-writer.ts'
import type { BackedUpKey, BackupVersion } from '../../storage/encryption/key-backups.ts'
import { SerialQueue } from '../serial-queue.ts'
import { BackedUpBytes } from './backed-up-bytes.ts'
import { isBetterKey } from './better-key.ts'
import type { EncryptionContext } from './context.ts'

/** A version of a backup, as clients see it. */
export interface ClientBackup {
  readonly algorithm: string
  readonly auth_data: JsonObject
  readonly count: number
  readonly etag: string
  readonly version: string
}

/** What a change of a backup's keys is answered by. */
export interface BackupState {
  readonly etag: string
  readonly count: number
}

/** A changed version; its algorithm and name may only repeat what they are. */
export interface BackupUpdate {
  readonly algorithm: string
  readonly authData: JsonObject
  readonly version?: string | undefined
}

/** Keys that are stored in one commit, for which everybody else who writes waits. */
const PART = 500

/** Uploads of one user to several processes that get in each other's way before one of them is refused. */
const MAX_ATTEMPTS = 20

const noBackup = (): MatrixError => new MatrixError('M_NOT_FOUND', 'There is no such backup.')

/** Backups of room keys (module "End-to-End Encryption", "Server-side key backups"). */
export class KeyBackups {
  readonly #context: EncryptionContext
  readonly #bytes: BackedUpBytes
  readonly #turns = new SerialQueue()

  constructor(context: EncryptionContext, bytes = new BackedUpBytes(context)) {
    this.#context = context
    this.#bytes = bytes
  }

  /** Makes a new version, which keys go into from now on; answers its name. */
  async create(userId: string, algorithm: string, authData: JsonObject): Promise<string> {
    const create = this.#context.write.backups.create(userId, algorithm, JSON.stringify(authData))
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await this.#context.commit(create)
        const [row] = result.ok ? (result.returned['created'] ?? []) : []
        if (row === undefined) throw new Error('a backup was not made')
        return String(row['version'])
      } catch (error) {
        // Two at once wanted the same number.
        if (!(error instanceof ConstraintError) || attempt >= MAX_ATTEMPTS) throw error
      }
    }
  }

  /** A version, or the current one. @throws {MatrixError} `M_NOT_FOUND` */
  async get(userId: string, version: string | undefined): Promise<ClientBackup> {
    return clientBackup(await this.version(userId, version))
  }

  /** Replaces the `auth_data` of a version. @throws {MatrixError} `M_NOT_FOUND`, `M_INVALID_PARAM` */
  async update(
    userId: string,
    version: string,
    { algorithm, authData, version: named }: BackupUpdate,
  ): Promise<void> {
    const backup = await this.version(userId, version)
    if (named !== undefined && named !== version) {
      throw new MatrixError('M_INVALID_PARAM', 'The version is not that of the path.')
    }
    if (algorithm !== backup.algorithm) {
      throw new MatrixError('M_INVALID_PARAM', 'The algorithm of a backup cannot be changed.')
    }
    const { write } = this.#context
    const text = JSON.stringify(authData)
    const result = await this.#context.commit([write.backups.setAuthData(userId, backup.version, text)])
    if (!result.ok) throw noBackup()
  }

  /**
   * Deletes a version with its keys. "If the backup was previously deleted, the call should succeed rather than returning
   * an error."
   * @throws {MatrixError} `M_NOT_FOUND` where there never was one
   */
  async delete(userId: string, version: string): Promise<void> {
    const { read, write } = this.#context
    const number = versionNumber(version)
    if (number === undefined || !(await read.backups.wasMade(userId, number))) throw noBackup()
    // A guard that fails says that it is deleted already.
    await this.#context.commit(write.backups.delete(userId, number))
    await this.#bytes.deleted(userId)
  }

  /** Deletes all backups of somebody whose account has ended: nobody can read them any more. */
  async forget(userId: string): Promise<void> {
    await this.#context.commit(this.#context.write.backups.forget(userId))
  }

  /**
   * Stores keys, unless there are better ones; of very many, part by part.
   * @throws {MatrixError} `M_NOT_FOUND` without a backup; `M_WRONG_ROOM_KEYS_VERSION` where the version is not the current one;
   *   `M_USER_LIMIT_EXCEEDED`
   */
  putKeys(userId: string, version: string, keys: readonly BackedUpKey[]): Promise<BackupState> {
    return this.#turns.run(userId, async () => {
      await this.#bytes.check(userId, keys)
      let state = await this.#tryToPut(userId, version, keys.slice(0, PART))
      for (let from = PART; from < keys.length; from += PART)
        state = await this.#tryToPut(userId, version, keys.slice(from, from + PART))
      return state
    })
  }

  async #tryToPut(userId: string, version: string, keys: readonly BackedUpKey[]): Promise<BackupState> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const backup = await this.#currentNamed(userId, version)
      const known = await this.#known(userId, backup, keys)
      const changed = keys.filter(key => {
        const stored = known.get(nameOf(key))
        return stored === undefined || isBetterKey(key, stored)
      })
      if (changed.length === 0) return stateOf(backup)
      const added = changed.filter(key => !known.has(nameOf(key))).length
      const { write } = this.#context
      const result = await this.#context.commit([
        write.backups.advance(userId, backup, added),
        write.backups.setKeys(userId, backup.version, changed),
      ])
      if (result.ok) return { etag: String(backup.etag + 1), count: backup.keyCount + added }
    }
    throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many requests change this backup at once.')
  }

  /** Removes keys; those that are not there are no error. @throws {MatrixError} `M_NOT_FOUND` */
  deleteKeys(userId: string, version: string, selection: KeySelection): Promise<BackupState> {
    return this.#turns.run(userId, () => this.#tryToDelete(userId, version, selection))
  }

  async #tryToDelete(userId: string, version: string, selection: KeySelection): Promise<BackupState> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const backup = await this.version(userId, version)
      const count = await this.#count(userId, backup, selection)
      if (count === 0) return stateOf(backup)
      const { write } = this.#context
      const result = await this.#context.commit([
        write.backups.advance(userId, backup, -count),
        write.backups.dropKeys(userId, backup.version, selection),
      ])
      if (!result.ok) continue
      await this.#bytes.deleted(userId)
      return { etag: String(backup.etag + 1), count: backup.keyCount - count }
    }
    throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many requests change this backup at once.')
  }

  /** A version that exists, or the current one. @throws {MatrixError} `M_NOT_FOUND` */
  async version(userId: string, version: string | undefined): Promise<BackupVersion> {
    const { backups } = this.#context.read
    const number = version === undefined ? undefined : versionNumber(version)
    const found =
      version === undefined
        ? await backups.current(userId)
        : number === undefined
          ? undefined
          : await backups.version(userId, number)
    if (found === undefined) throw noBackup()
    return found
  }

  /** "The version specified does not match the current backup version", whether there is such a version or not. */
  async #currentNamed(userId: string, version: string): Promise<BackupVersion> {
    const current = await this.version(userId, undefined)
    if (String(current.version) === version) return current
    throw new MatrixError('M_WRONG_ROOM_KEYS_VERSION', 'This is not the current backup.', {
      fields: { current_version: String(current.version) },
    })
  }

  async #known(
    userId: string,
    { version }: BackupVersion,
    keys: readonly BackedUpKey[],
  ): Promise<Map<string, BackedUpKey>> {
    const known = new Map<string, BackedUpKey>()
    for (const [roomId, ofRoom] of Map.groupBy(keys, key => key.roomId)) {
      const sessionIds = ofRoom.map(key => key.sessionId)
      for (const key of await this.#context.read.backups.among(userId, version, roomId, sessionIds)) {
        known.set(nameOf(key), key)
      }
    }
    return known
  }

  async #count(userId: string, backup: BackupVersion, { roomId, sessionId }: KeySelection): Promise<number> {
    const { backups } = this.#context.read
    if (roomId === undefined) return backup.keyCount
    if (sessionId === undefined) return backups.countInRoom(userId, backup.version, roomId)
    return (await backups.key(userId, backup.version, roomId, sessionId)) === undefined ? 0 : 1
  }
}

/** Versions are numbers to the server and opaque to clients. */
const versionNumber = (version: string): number | undefined =>
  /^[1-9]\d{0,14}$/.test(version) ? Number(version) : undefined

const nameOf = ({ roomId, sessionId }: BackedUpKey): string => `${roomId} ${sessionId}`

const stateOf = ({ etag, keyCount }: BackupVersion): BackupState => ({ etag: String(etag), count: keyCount })

const clientBackup = (backup: BackupVersion): ClientBackup => ({
  algorithm: backup.algorithm,
  auth_data: parseJson(backup.authData) as JsonObject,
  ...stateOf(backup),
  version: String(backup.version),
})
