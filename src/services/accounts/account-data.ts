import { parseJson } from '../../core/canonical-json.ts'
import { MatrixError } from '../../core/errors.ts'
import { fitsBytes, isRoomId, MAX_ID_BYTES } from '../../core/ids.ts'
import { formatSpans, ignoredBy, parseIgnoredList, parseSpans, spansAfter } from '../../core/ignored-spans.ts'
import type { JsonObject } from '../../core/json.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { AccountsContext } from './context.ts'

/** Account data that the server itself manages (module "Client Config", "Server Behaviour"). */
const SERVER_MANAGED = new Set(['m.fully_read', 'm.push_rules'])

const IGNORED = 'm.ignored_user_list'

/** Entries of one user, global and per room. */
const MAX_ENTRIES = 50_000

/** All of them together, in bytes: an initial sync holds them at once. */
const MAX_BYTES = 32 * 1024 * 1024

/** What is no longer than this takes the place of another entry without looking what there is. */
const SHORT = 1_024

/** Clients' own data on the server, global or per room (module "Client Config"). */
export class AccountData {
  readonly #context: AccountsContext

  constructor(context: AccountsContext) {
    this.#context = context
  }

  /**
   * The content of one entry.
   * @param roomId `undefined` for global account data
   * @throws {MatrixError} `M_NOT_FOUND`, `M_INVALID_PARAM`
   */
  async get(userId: string, roomId: string | undefined, type: string): Promise<JsonObject> {
    checkRoom(roomId)
    const content = await this.#context.read.accountData.content(userId, roomId ?? '', type)
    if (content === undefined) {
      throw new MatrixError('M_NOT_FOUND', 'There is no account data of this type.')
    }
    return parseJson(content) as JsonObject
  }

  /** All entries of a user: the global ones by type, and by room and type. */
  async all(
    userId: string,
  ): Promise<{ global: Record<string, JsonObject>; rooms: Record<string, Record<string, JsonObject>> }> {
    const entries = await this.#context.read.accountData.all(userId)
    const byRoom = Map.groupBy(entries, entry => entry.roomId)
    const contents = (roomId: string): Record<string, JsonObject> =>
      Object.fromEntries(
        (byRoom.get(roomId) ?? []).map(({ type, content }) => [type, parseJson(content) as JsonObject]),
      )
    const rooms = [...byRoom.keys()].filter(roomId => roomId !== '')
    return {
      global: contents(''),
      rooms: Object.fromEntries(rooms.map(roomId => [roomId, contents(roomId)])),
    }
  }

  /**
   * Sets an entry on behalf of a client. What it holds already does not become news. An empty one is an entry like any
   * other (MSC3391 would have it deleted, but what was provided is there for whoever asks).
   *
   * @throws {MatrixError} `M_BAD_JSON` (405): a type that the server manages; `M_INVALID_PARAM`;
   *   `M_USER_LIMIT_EXCEEDED`
   */
  async set(userId: string, roomId: string | undefined, type: string, content: JsonObject): Promise<void> {
    checkEntry(roomId, type)
    const { read, write } = this.#context
    const text = JSON.stringify(content)
    const before = await read.accountData.content(userId, roomId ?? '', type)
    if (before === text) return
    if (await isTooMuch(this.#context, userId, { before, text })) {
      throw new MatrixError('M_USER_LIMIT_EXCEEDED', 'Too much account data is stored already.')
    }
    const isIgnoring = roomId === undefined && type === IGNORED
    const statements = isIgnoring
      ? await this.#setIgnored(userId, text)
      : [write.accountData.set(userId, roomId ?? '', type, text)]
    await this.#context.commit(statements)
  }

  /** Deletes an entry; one that is not there is no error (MSC3391). @throws {MatrixError} as `set` */
  async delete(userId: string, roomId: string | undefined, type: string): Promise<void> {
    checkEntry(roomId, type)
    const { read, write } = this.#context
    if ((await read.accountData.content(userId, roomId ?? '', type)) === undefined) return
    const isIgnoring = roomId === undefined && type === IGNORED
    const statements = isIgnoring
      ? await this.#setIgnored(userId, undefined)
      : [write.accountData.clear(userId, roomId ?? '', [type])]
    await this.#context.commit(statements)
  }

  /** With a list of ignored users it is noted from where to where they are not heard. */
  async #setIgnored(userId: string, content: string | undefined): Promise<WriteStatement[]> {
    const { read, write, hooks, position } = this.#context
    const known = await read.accountData.ignored(userId)
    const before = ignoredBy(userId, parseIgnoredList(known?.content))
    const after = ignoredBy(userId, parseIgnoredList(content))
    const spans = spansAfter(parseSpans(known?.spans ?? null), {
      before,
      after,
      position: position('events'),
    })
    const added = [...after].filter(ignored => !before.has(ignored))
    return [
      write.accountData.setIgnored(userId, { content, spans: formatSpans(spans) }),
      ...(added.length === 0 ? [] : ((await hooks.onIgnoring?.(userId, added)) ?? [])),
    ]
  }
}

/**
 * Whether an entry would be more than a user may store.
 * @param before what it replaces
 */
export const isTooMuch = async (
  { read, write, commit }: Pick<AccountsContext, 'read' | 'write' | 'commit'>,
  userId: string,
  { before, text }: { readonly before: string | undefined; readonly text: string },
): Promise<boolean> => {
  if (before !== undefined && text.length <= Math.max(SHORT, before.length)) return false
  const added = Buffer.byteLength(text) - Buffer.byteLength(before ?? '')
  const { entries, bytes } = await read.accountData.size(userId)
  if (bytes + added > MAX_BYTES) return true
  if (before !== undefined || entries < MAX_ENTRIES) return false
  // Deleted entries make room: who has so many of them is not looking for what was deleted long ago.
  await commit([write.accountData.dropDeleted(userId)])
  return (await read.accountData.size(userId)).entries >= MAX_ENTRIES
}

const checkEntry = (roomId: string | undefined, type: string): void => {
  if (SERVER_MANAGED.has(type)) {
    throw new MatrixError('M_BAD_JSON', `${type} is managed by the server.`, { status: 405 })
  }
  checkRoom(roomId)
  checkType(type)
}

const checkRoom = (roomId: string | undefined): void => {
  if (roomId !== undefined && !isRoomId(roomId)) {
    throw new MatrixError('M_INVALID_PARAM', 'This is no valid room ID.')
  }
}

const checkType = (type: string): void => {
  if (type === '' || !fitsBytes(type, MAX_ID_BYTES) || !type.isWellFormed() || type.includes('\0')) {
    throw new MatrixError('M_INVALID_PARAM', 'A type has 1 to 255 bytes.')
  }
}
