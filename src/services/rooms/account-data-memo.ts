import { boundedCache } from '../../core/caches.ts'
import { parseJson } from '../../core/canonical-json.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts'
import type { Answer } from '../answer.ts'

interface Known<T> {
  readonly text: string | undefined
  readonly value: T
  /** Nobody's account data has changed since this position. */
  checkedAt: number
}

/** What a piece of users' account data says, read once for as long as it stays the same. */
export class AccountDataMemo<T> {
  readonly #content: (userId: string) => Promise<string | undefined>
  readonly #position: () => number
  readonly #parse: (content: JsonObject, userId: string) => T
  readonly #known = boundedCache<string, Known<T>>('account_data')

  constructor(parts: {
    /** Reads it, as JSON text. */
    content: (userId: string) => Promise<string | undefined>
    /** Where the stream `account_data` stands now. */
    position: () => number
    /** What is missing, or no object, is read as an empty object. */
    parse: (content: JsonObject, userId: string) => T
  }) {
    this.#content = parts.content
    this.#position = parts.position
    this.#parse = parts.parse
  }

  of(userId: string): Answer<T> {
    const position = this.#position()
    const known = this.#known.get(userId)
    return known?.checkedAt === position ? known.value : this.#read(userId, position, known)
  }

  async #read(userId: string, position: number, known: Known<T> | undefined): Promise<T> {
    const text = await this.#content(userId)
    if (known !== undefined && known.text === text) {
      known.checkedAt = position
      return known.value
    }
    const content = text === undefined ? {} : (parseJson(text) as JsonValue)
    const value = this.#parse(isJsonObject(content) ? content : {}, userId)
    this.#known.set(userId, { text, value, checkedAt: position })
    return value
  }
}
