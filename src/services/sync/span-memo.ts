import type { TimelineRange } from '../../storage/rooms/events.ts'
import type { StateAt, StateChangeAt, StateViews } from '../../storage/rooms/state-views.ts'
import type { Direction, TimelineReader, TimelineRow } from '../../storage/rooms/timeline-reader.ts'
import type { PageReader } from '../rooms/timeline.ts'

/** Answers that are kept at most: a few kilobytes each. */
const MAX_KEPT = 2_000

/**
 * Reads spans of rooms once for all who ask for the same: the clients that wait in a room are mostly at the same place,
 * and one event wakes them all. What was read is kept until the stream moves on.
 */
export class SpanMemo implements PageReader {
  readonly #pages: TimelineReader
  readonly #state: StateViews
  readonly #position: () => number
  readonly #kept = new Map<string, Promise<unknown>>()
  #keptAt = 0

  /** @param position where the stream `events` stands */
  constructor(pages: TimelineReader, state: StateViews, position: () => number) {
    this.#pages = pages
    this.#state = state
    this.#position = position
  }

  page(direction: Direction, range: TimelineRange): Promise<TimelineRow[]> {
    const { roomNid, after, upTo, limit } = range
    const key = `${direction} ${roomNid} ${after} ${upTo} ${limit}`
    return this.#once(key, () => this.#pages.page(direction, range))
  }

  load(...parameters: Parameters<PageReader['load']>): ReturnType<PageReader['load']> {
    return this.#pages.load(...parameters)
  }

  /** `StateViews.changes`. */
  changes(roomNid: number, after: number, upTo: number): Promise<StateChangeAt[]> {
    if (after >= upTo) return Promise.resolve([])
    return this.#once(`s ${roomNid} ${after} ${upTo}`, () => this.#state.changes(roomNid, after, upTo))
  }

  /** `StateViews.members`. */
  members(roomNid: number, userIds: readonly string[], position: number): Promise<StateAt[]> {
    if (userIds.length === 0) return Promise.resolve([])
    return this.#once(`m ${roomNid} ${position} ${userIds.join(' ')}`, () =>
      this.#state.members(roomNid, userIds, position),
    )
  }

  #once<T>(key: string, read: () => Promise<T>): Promise<T> {
    const position = this.#position()
    if (position !== this.#keptAt || this.#kept.size >= MAX_KEPT) {
      this.#kept.clear()
      this.#keptAt = position
    }
    const known = this.#kept.get(key)
    // Under one key there is only what was put there by the same kind of call.
    if (known !== undefined) return known as Promise<T>
    const made = read()
    this.#kept.set(key, made)
    made.catch(() => this.#kept.delete(key))
    return made
  }
}
