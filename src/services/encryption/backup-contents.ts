import { MatrixError } from '../../core/errors.ts'
import { fitsBytes, isRoomId, MAX_ID_BYTES } from '../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { BackedUpKey } from '../../storage/encryption/key-backups.ts'
import type { EncryptionContext } from './context.ts'
import type { KeyBackups } from './key-backups.ts'

/** Keys that are read at once: what one response holds in memory. */
const PAGE = 500

/** Larger session data are no room key. Bytes of JSON. */
const MAX_SESSION_DATA = 65_536

/** Reads a backup piece by piece, so that a large one takes no more memory than a small one. */
export class BackupContents {
  readonly #context: EncryptionContext
  readonly #backups: KeyBackups

  constructor(context: EncryptionContext, backups: KeyBackups) {
    this.#context = context
    this.#backups = backups
  }

  /**
   * The response to `GET /room_keys/keys`, in pieces of JSON text.
   * @throws {MatrixError} `M_NOT_FOUND`
   */
  async all(userId: string, version: string): Promise<AsyncIterable<string>> {
    const backup = await this.#backups.version(userId, version)
    return this.#rooms(userId, backup.version)
  }

  /**
   * The response to `GET /room_keys/keys/{roomId}`, in pieces of JSON text.
   * @throws {MatrixError} `M_NOT_FOUND`
   */
  async room(userId: string, version: string, roomId: string): Promise<AsyncIterable<string>> {
    const backup = await this.#backups.version(userId, version)
    return this.#sessions(userId, backup.version, roomId)
  }

  /** One key as JSON text. @throws {MatrixError} `M_NOT_FOUND` */
  async key(userId: string, version: string, roomId: string, sessionId: string): Promise<string> {
    const backup = await this.#backups.version(userId, version)
    const key = await this.#context.read.backups.key(userId, backup.version, roomId, sessionId)
    if (key === undefined) throw new MatrixError('M_NOT_FOUND', 'There is no such key.')
    return keyText(key)
  }

  async *#rooms(userId: string, version: number): AsyncGenerator<string> {
    let last: BackedUpKey | undefined
    yield '{"rooms":{'
    for (;;) {
      const after = last ?? { roomId: '', sessionId: '' }
      const page: BackedUpKey[] = await this.#context.read.backups.page(userId, version, after, PAGE)
      let text = ''
      for (const key of page) {
        if (last === undefined) text += `${JSON.stringify(key.roomId)}:{"sessions":{`
        else if (last.roomId !== key.roomId) text += `}},${JSON.stringify(key.roomId)}:{"sessions":{`
        else text += ','
        text += `${JSON.stringify(key.sessionId)}:${keyText(key)}`
        last = key
      }
      if (text !== '') yield text
      if (page.length < PAGE) break
    }
    yield last === undefined ? '}}' : '}}}}'
  }

  async *#sessions(userId: string, version: number, roomId: string): AsyncGenerator<string> {
    let after = { roomId, sessionId: '' }
    let separator = ''
    yield '{"sessions":{'
    for (;;) {
      const page = await this.#context.read.backups.roomPage(userId, version, after, PAGE)
      let text = ''
      for (const key of page) {
        text += `${separator}${JSON.stringify(key.sessionId)}:${keyText(key)}`
        separator = ','
        after = key
      }
      if (text !== '') yield text
      if (page.length < PAGE) break
    }
    yield '}}'
  }
}

const keyText = (key: BackedUpKey): string =>
  `{"first_message_index":${key.firstMessageIndex},"forwarded_count":${key.forwardedCount},` +
  `"is_verified":${key.isVerified},"session_data":${key.sessionData}}`

/** Session ID → key, as uploaded. */
type Sessions = Readonly<Record<string, unknown>>

/**
 * The keys of an upload, whose schema has been checked.
 * @throws {MatrixError} `M_INVALID_PARAM`, `M_TOO_LARGE`
 */
export const backedUpKeys = (
  rooms: Readonly<Record<string, { readonly sessions: Sessions }>>,
): BackedUpKey[] =>
  Object.entries(rooms).flatMap(([roomId, { sessions }]) => {
    if (!isRoomId(roomId)) throw new MatrixError('M_INVALID_PARAM', `${roomId} is no room ID.`)
    return Object.entries(sessions).map(([sessionId, key]) => backedUpKey(roomId, sessionId, key))
  })

const backedUpKey = (roomId: string, sessionId: string, key: unknown): BackedUpKey => {
  if (
    sessionId === '' ||
    !fitsBytes(sessionId, MAX_ID_BYTES) ||
    !sessionId.isWellFormed() ||
    sessionId.includes('\0')
  ) {
    throw new MatrixError('M_INVALID_PARAM', 'A session ID has 1 to 255 bytes.')
  }
  const {
    first_message_index: index,
    forwarded_count: count,
    is_verified: isVerified,
    session_data: data,
  } = (isJsonObject(key) ? key : {}) as JsonObject
  if (!isCount(index) || !isCount(count) || typeof isVerified !== 'boolean' || !isJsonObject(data)) {
    throw new MatrixError('M_INVALID_PARAM', 'This is no room key.')
  }
  const sessionData = JSON.stringify(data)
  if (Buffer.byteLength(sessionData) > MAX_SESSION_DATA) {
    throw new MatrixError('M_TOO_LARGE', 'The data of a session is too large.')
  }
  return { roomId, sessionId, firstMessageIndex: index, forwardedCount: count, isVerified, sessionData }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
