import { hash } from 'node:crypto'
import { parseJson } from '../../core/canonical-json.ts'
import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { AccountsContext } from './context.ts'

/** In bytes of JSON. */
const MAX_FILTER_BYTES = 65_536

/** Filters of one user. Clients define one at every start; those that change it each time would never end. */
const MAX_FILTERS = 1000

/** Filters that clients define once and refer to (client-server API, "Filtering"). */
export class Filters {
  readonly #context: AccountsContext

  constructor(context: AccountsContext) {
    this.#context = context
  }

  /**
   * Stores a filter. Its ID follows from what it says, so that the same filter always has the same one.
   * @throws {MatrixError} `M_TOO_LARGE`
   */
  async define(userId: string, filter: JsonObject): Promise<string> {
    const text = JSON.stringify(filter)
    if (Buffer.byteLength(text) > MAX_FILTER_BYTES)
      throw new MatrixError('M_TOO_LARGE', 'The filter is too large.')
    // Base64 never begins with "{", by which inline filters are told from IDs.
    const filterId = hash('sha256', text, 'base64url').slice(0, 22)
    const { clock, write } = this.#context
    await this.#context.commit(write.filters.set(userId, filterId, text, clock.now(), MAX_FILTERS))
    return filterId
  }

  /** A stored filter. @throws {MatrixError} `M_NOT_FOUND` */
  async get(userId: string, filterId: string): Promise<JsonObject> {
    const text = await this.#context.read.filters.content(userId, filterId)
    if (text === undefined) throw new MatrixError('M_NOT_FOUND', 'There is no such filter.')
    return parseJson(text) as JsonObject
  }
}
