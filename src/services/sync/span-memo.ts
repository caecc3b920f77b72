import type { EventNews } from '../../storage/rooms/event-news.ts'
import type { TimelineRange } from '../../storage/rooms/events.ts'
import { mayBeRedaction } from '../../storage/rooms/kept-news.ts'
import type { StateAt, StateChangeAt, StatePoint, StateViews } from '../../storage/rooms/state-views.ts'
import type { Direction, TimelineReader, TimelineRow } from '../../storage/rooms/timeline-reader.ts'
import type { Answer } from '../answer.ts'
import type { PageReader } from '../rooms/timeline.ts'

/** Answers that are kept at most: mostly a few kilobytes each. */
const MAX_KEPT = 2_000
/**
 * Characters, about, that they hold at most: while nothing happens they are kept, and who asks again and again from tokens of long ago, or in
 * ever new ways, is answered with megabytes each time.
 */
const MAX_LENGTH = 32_000_000
/** About as much as one row of an answer takes. */
const ROW = 200

/** What reads for `SpanMemo`. */
export interface SpanReaders {
  readonly pages: TimelineReader
  readonly state: StateViews
  readonly news: Pick<EventNews, 'known'>
}

/**
 * Reads spans of rooms once for all who ask for the same: the clients that wait in a room are mostly at the same place,
 * and one event wakes them all. What was read is kept until the stream moves on; what has just happened is not read at
 * all, since whoever follows the stream has done so.
 */
export class SpanMemo implements PageReader {
  readonly #read: SpanReaders
  readonly #position: () => number
  readonly #kept = new Map<string, unknown>()
  #keptAt = 0
  #length = 0
  readonly #maxLength: number

  /** @param position where the stream `events` stands */
  constructor(read: SpanReaders, position: () => number, { maxLength = MAX_LENGTH } = {}) {
    this.#read = read
    this.#position = position
    this.#maxLength = maxLength
  }

  /** How many answers are kept. */
  get held(): number {
    return this.#kept.size
  }

  page(direction: Direction, range: TimelineRange): Answer<TimelineRow[]> {
    const { roomNid, after, upTo, limit } = range
    const key = (): string => `${direction} ${roomNid} ${after} ${upTo} ${limit}`
    return this.recent(direction, range) ?? this.once(key(), () => this.#read.pages.page(direction, range))
  }

  load(...parameters: Parameters<PageReader['load']>): ReturnType<PageReader['load']> {
    return this.#read.pages.load(...parameters)
  }

  /** `StateViews.changes`. */
  changes(roomNid: number, after: number, upTo: number): Answer<StateChangeAt[]> {
    if (after >= upTo) return []
    const known = this.#read.news.known(roomNid, after, upTo)
    if (known?.points.some(({ began }) => began) === false) return []
    return this.once(`s ${roomNid} ${after} ${upTo}`, () => this.#read.state.changes(roomNid, after, upTo))
  }

  /** `StateViews.ended`. */
  ended(roomNid: number, after: number, upTo: number): Answer<readonly StatePoint[]> {
    if (after >= upTo) return []
    const known = this.#read.news.known(roomNid, after, upTo)
    if (known?.points.some(({ began }) => !began) === false) return []
    return this.once(`e ${roomNid} ${after} ${upTo}`, () => this.#read.state.ended(roomNid, after, upTo))
  }

  /** Whether something in a room may have been redacted in a span. */
  mayRedact(roomNid: number, after: number, upTo: number): boolean {
    const events = this.#read.news.known(roomNid, after, upTo)?.events
    return events?.some(mayBeRedaction) ?? true
  }

  /** `StateViews.members`. */
  members(roomNid: number, userIds: readonly string[], position: number): Answer<StateAt[]> {
    if (userIds.length === 0) return []
    return this.once(`m ${roomNid} ${position} ${userIds.join(' ')}`, () =>
      this.#read.state.members(roomNid, userIds, position),
    )
  }

  /**
   * A page of what has just happened; `undefined` where more is needed, or a redaction may have changed what it tells: also one that
   * came after it, since whoever has left a room is told of it only up to there.
   */
  recent(direction: Direction, { roomNid, after, upTo, limit }: TimelineRange): TimelineRow[] | undefined {
    const since = this.#read.news.known(roomNid, after, this.#position())?.events
    if (since === undefined || since.some(mayBeRedaction)) return undefined
    const shown = since.filter(({ softFailed, position }) => !softFailed && position <= upTo)
    if (direction === 'b') shown.reverse()
    return shown.slice(0, limit).map(event => ({ ...event, isState: event.stateKey !== undefined }))
  }

  /**
   * Answers what was read or made under a key since the stream has moved on last; one key stands for one kind of thing.
   * @param lengthOf how many characters an answer holds, where it is not a list of rows
   */
  once<T>(key: string, read: () => Answer<T>, lengthOf: (answer: T) => number = lengthOfRows): Answer<T> {
    const position = this.#position()
    if (position !== this.#keptAt || this.#kept.size >= MAX_KEPT) this.#forget(position)
    const known = this.#kept.get(key)
    if (known !== undefined || this.#kept.has(key)) return known as Answer<T>
    const made = read()
    this.#kept.set(key, made)
    if (made instanceof Promise)
      made.then(
        answer => this.#keeps(key, made, lengthOf(answer)),
        () => this.#kept.delete(key),
      )
    else this.#keeps(key, made, lengthOf(made))
    return made
  }

  /** Forgets all of it: something has changed that the stream does not tell. */
  forget(): void {
    this.#forget(this.#keptAt)
  }

  #keeps(key: string, answer: unknown, length: number): void {
    // It may have been forgotten while it was made.
    if (this.#kept.get(key) !== answer) return
    this.#length += key.length + length
    if (this.#length > this.#maxLength) this.#forget(this.#keptAt)
  }

  #forget(position: number): void {
    this.#kept.clear()
    this.#length = 0
    this.#keptAt = position
  }
}

const lengthOfRows = (answer: unknown): number => (Array.isArray(answer) ? answer.length * ROW : 0)
