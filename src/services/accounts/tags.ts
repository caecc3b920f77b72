import { parseJson } from '../../core/canonical-json.ts'
import { MatrixError } from '../../core/errors.ts'
import { fitsBytes, isRoomId, MAX_ID_BYTES } from '../../core/ids.ts'
import { isJsonObject, type JsonObject, ownMember } from '../../core/json.ts'
import { SerialQueue } from '../serial-queue.ts'
import { isTooMuch } from './account-data.ts'
import type { AccountsContext } from './context.ts'

/** Tags of one room, and the size of all of them as JSON. */
const MAX_TAGS = 100
const MAX_TAGS_BYTES = 65_536

/** Writes of one room's tags by several processes that get into each other's way are repeated this often. */
const ATTEMPTS = 10

type ChangeTags = (tags: ReadonlyMap<string, JsonObject>) => ReadonlyMap<string, JsonObject>

/**
 * Tags that users put on rooms (module "Room Tagging"). They are the room's account data `m.tag`, which clients may also
 * write as a whole.
 */
export class Tags {
  readonly #context: AccountsContext
  readonly #turns = new SerialQueue()

  constructor(context: AccountsContext) {
    this.#context = context
  }

  /** A user's tags of a room: name → what goes with it. @throws {MatrixError} `M_INVALID_PARAM` */
  async get(userId: string, roomId: string): Promise<Readonly<Record<string, JsonObject>>> {
    checkRoom(roomId)
    return tagsOf(parsed(await this.#read(userId, roomId)))
  }

  /**
   * Puts a tag on a room.
   * @param options.isOurs the server itself does, which what the user has stored must not keep from it
   * @throws {MatrixError} `M_INVALID_PARAM`, `M_USER_LIMIT_EXCEEDED`
   */
  async set(
    userId: string,
    roomId: string,
    tag: string,
    value: JsonObject,
    { isOurs = false }: { isOurs?: boolean } = {},
  ): Promise<void> {
    if (!fitsBytes(tag, MAX_ID_BYTES) || tag === '' || !tag.isWellFormed() || tag.includes('\0')) {
      throw new MatrixError('M_INVALID_PARAM', 'The name of a tag has 1 to 255 bytes.')
    }
    await this.#change(userId, roomId, tags => new Map(tags).set(tag, value), isOurs)
  }

  /** Takes a tag off a room; one that is not there is no error. @throws {MatrixError} `M_INVALID_PARAM` */
  async remove(userId: string, roomId: string, tag: string): Promise<void> {
    await this.#change(userId, roomId, tags => {
      const others = new Map(tags)
      others.delete(tag)
      return others
    })
  }

  async #change(userId: string, roomId: string, change: ChangeTags, isOurs = false): Promise<void> {
    checkRoom(roomId)
    await this.#turns.run(`${userId} ${roomId}`, () => this.#tryToChange(userId, roomId, change, isOurs))
  }

  async #tryToChange(userId: string, roomId: string, change: ChangeTags, isOurs: boolean): Promise<void> {
    const { write } = this.#context
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = await this.#read(userId, roomId)
      const content = parsed(before)
      const tags = new Map(Object.entries(tagsOf(content)))
      const changed = change(tags)
      if (JSON.stringify([...changed]) === JSON.stringify([...tags])) return
      const text = JSON.stringify({ ...content, tags: Object.fromEntries(changed) })
      const isMore = changed.size >= tags.size
      const tooMany = changed.size > MAX_TAGS || !fitsBytes(text, MAX_TAGS_BYTES)
      const isRefused =
        !isOurs && ((isMore && tooMany) || (await isTooMuch(this.#context, userId, { before, text })))
      if (isRefused) {
        throw new MatrixError('M_USER_LIMIT_EXCEEDED', 'There are too many tags.')
      }
      const entry = { userId, roomId, type: 'm.tag', content: text }
      const result = await this.#context.commit([write.accountData.replace(entry, before)])
      if (result.ok) return
    }
    throw new MatrixError('M_LIMIT_EXCEEDED', 'The tags are being changed too fast.', {
      fields: { retry_after_ms: 1000 },
    })
  }

  #read(userId: string, roomId: string): Promise<string | undefined> {
    return this.#context.read.accountData.content(userId, roomId, 'm.tag')
  }
}

const checkRoom = (roomId: string): void => {
  if (!isRoomId(roomId)) throw new MatrixError('M_INVALID_PARAM', 'This is no valid room ID.')
}

const parsed = (content: string | undefined): JsonObject =>
  content === undefined ? {} : (parseJson(content) as JsonObject)

/** What clients wrote as a whole may hold anything: what is no tag is left out. */
const tagsOf = (content: JsonObject): Record<string, JsonObject> => {
  const tags = ownMember(content, 'tags')
  if (!isJsonObject(tags)) return {}
  return Object.fromEntries(
    Object.entries(tags).filter((entry): entry is [string, JsonObject] => isJsonObject(entry[1])),
  )
}
