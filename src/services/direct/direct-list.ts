import { parseJson } from '../../core/canonical-json.ts'
import { MatrixError } from '../../core/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue, ownMember } from '../../core/json.ts'
import { AccountDataReader, AccountDataWriter } from '../../storage/accounts/account-data.ts'
import type { Database } from '../../storage/database.ts'
import { SerialQueue } from '../serial-queue.ts'

const TYPE = 'm.direct'
/** Clients write the same entry at the same time. */
const MAX_ATTEMPTS = 10

/** The account data in which clients note their direct rooms (module "Direct Messaging"): by person, a list of rooms. */
export class DirectList {
  readonly #db: Database
  readonly #read: AccountDataReader
  readonly #write: AccountDataWriter
  readonly #turns = new SerialQueue()

  constructor(db: Database) {
    this.#db = db
    this.#read = new AccountDataReader(db)
    this.#write = new AccountDataWriter(db)
  }

  /** The rooms that a user has noted for another. */
  async of(userId: string, otherId: string): Promise<string[]> {
    return roomsOf(contentOf(await this.#read.content(userId, '', TYPE)), otherId)
  }

  /** Notes a room for a person, first of all, and takes another one out. What stands there already stays as it is. */
  note(userId: string, otherId: string, roomId: string, instead?: string): Promise<void> {
    return this.#turns.run(userId, () => this.#tryToNote(userId, otherId, roomId, instead))
  }

  async #tryToNote(userId: string, otherId: string, roomId: string, instead?: string): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const before = await this.#read.content(userId, '', TYPE)
      const content = contentOf(before)
      const rooms = roomsOf(content, otherId)
      if (rooms.includes(roomId) && (instead === undefined || !rooms.includes(instead))) return
      const others = rooms.filter(room => room !== roomId && room !== instead)
      const text = JSON.stringify(withMember(content, otherId, [roomId, ...others]))
      const entry = { userId, roomId: '', type: TYPE, content: text }
      const result = await this.#db.commit({ statements: [this.#write.replace(entry, before)] })
      if (result.ok) return
    }
    throw new MatrixError('M_UNKNOWN', 'The list of direct rooms is being changed all the time', {
      status: 503,
    })
  }
}

const contentOf = (text: string | undefined): JsonObject => {
  const content: unknown = text === undefined ? undefined : parseJson(text)
  return isJsonObject(content) ? content : {}
}

const roomsOf = (content: JsonObject, userId: string): string[] => {
  const rooms: JsonValue | undefined = ownMember(content, userId)
  return Array.isArray(rooms) ? rooms.filter(room => typeof room === 'string') : []
}

const withMember = (content: JsonObject, key: string, value: JsonValue): JsonObject =>
  Object.fromEntries([...Object.entries(content).filter(([name]) => name !== key), [key, value]])
