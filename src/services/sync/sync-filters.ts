import { boundedCache } from '../../core/caches.ts'
import { parseJson } from '../../core/canonical-json.ts'
import { MatrixError } from '../../core/errors.ts'
import { type SyncFilter, syncFilter } from '../../core/filter.ts'
import { filterProblem } from '../../core/filter-check.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { Answer } from '../answer.ts'

/** A stored filter of a user. Throws `M_NOT_FOUND`. */
export type StoredFilter = (userId: string, filterId: string) => Promise<JsonObject>

const NO_FILTER = syncFilter({})

/** Reads the filters of requests. Clients come with the same one again and again, so what was read is kept. */
export class SyncFilters {
  readonly #stored: StoredFilter
  readonly #kept = boundedCache<string, SyncFilter>('sync_filters')

  constructor(stored: StoredFilter) {
    this.#stored = stored
  }

  /**
   * The filter that a query names or holds. Throws `M_INVALID_PARAM` if it is no filter, `M_NOT_FOUND` if there is none
   * of this ID.
   */
  of(userId: string, text: string | undefined): Answer<SyncFilter> {
    if (text === undefined || text === '') return NO_FILTER
    // "Whether it is an ID or a JSON object is told by whether the first character is an open brace."
    const key = text.startsWith('{') ? text : `${userId} ${text}`
    return this.#kept.get(key) ?? this.#make(key, userId, text)
  }

  async #make(key: string, userId: string, text: string): Promise<SyncFilter> {
    const made = syncFilter(text.startsWith('{') ? inlineFilter(text) : await this.#stored(userId, text))
    this.#kept.set(key, made)
    return made
  }
}

const inlineFilter = (text: string): JsonObject => {
  let filter: unknown
  try {
    filter = parseJson(text)
  } catch {
    filter = undefined
  }
  if (!isJsonObject(filter)) throw new MatrixError('M_INVALID_PARAM', 'filter is not valid JSON')
  const problem = filterProblem(filter)
  if (problem !== undefined) throw new MatrixError('M_INVALID_PARAM', `filter: ${problem}`)
  return filter
}
