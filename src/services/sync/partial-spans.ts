import type { PartialRoomReader } from '../../storage/rooms/partial-rooms.ts'

interface Span {
  readonly joinedAt: number
  /** `undefined`: members are lacking still. */
  readonly completedAt: number | undefined
}

/**
 * From when to when rooms lacked members (positions of the `events` stream), as far as the stream was followed. Clients
 * that do not load members lazily are not told of a room before all are known (MSC3902: "partial-state rooms are omitted
 * from the response"), and then as of one that they have just joined.
 */
export class PartialSpans {
  readonly #read: PartialRoomReader
  readonly #spans = new Map<number, Span>()
  readonly #open = new Set<number>()
  #loaded: Promise<void> | undefined
  isLoaded = false

  constructor(read: PartialRoomReader) {
    this.#read = read
  }

  /** Reads what there is; to be awaited before anything is asked. */
  load(): Promise<void> {
    this.#loaded ??= this.#load()
    return this.#loaded
  }

  /** Follows the stream; answers the rooms that have become complete, with where. */
  async follow(after: number, upTo: number): Promise<{ roomNid: number; position: number }[]> {
    await this.load()
    const completed: { roomNid: number; position: number }[] = []
    for (const { roomNid, joinedAt, completedAt } of await this.#read.changedBetween(after, upTo)) {
      this.#set(roomNid, { joinedAt, completedAt })
      if (completedAt !== undefined && completedAt > after) completed.push({ roomNid, position: completedAt })
    }
    return completed
  }

  /** Whether any room lacks members, as far as was followed. */
  get hasOpen(): boolean {
    return this.#open.size > 0
  }

  /** Whether a room that was joined by then lacked members at a position. */
  isOpenAt(roomNid: number, position: number): boolean {
    const span = this.#spans.get(roomNid)
    if (span === undefined || span.joinedAt > position) return false
    return span.completedAt === undefined || span.completedAt > position
  }

  /**
   * Whether a room that somebody was in at a position may have lacked members there: only the last time that this server came in
   * is known, and they may have been in it the time before.
   */
  mayHaveLacked(roomNid: number, position: number): boolean {
    const span = this.#spans.get(roomNid)
    return span !== undefined && (position < span.joinedAt || this.isOpenAt(roomNid, position))
  }

  /** Whether a room has become complete after one position up to another. */
  isCompletedIn(roomNid: number, after: number, upTo: number): boolean {
    const completedAt = this.#spans.get(roomNid)?.completedAt
    return completedAt !== undefined && completedAt > after && completedAt <= upTo
  }

  /** Where a room came to be complete, if by a position. */
  completedAt(roomNid: number, upTo: number): number | undefined {
    const completedAt = this.#spans.get(roomNid)?.completedAt
    return completedAt !== undefined && completedAt <= upTo ? completedAt : undefined
  }

  #set(roomNid: number, span: Span): void {
    this.#spans.set(roomNid, span)
    if (span.completedAt === undefined) this.#open.add(roomNid)
    else this.#open.delete(roomNid)
  }

  async #load(): Promise<void> {
    try {
      for (const { roomNid, joinedAt, completedAt } of await this.#read.spans()) {
        this.#set(roomNid, { joinedAt, completedAt })
      }
      this.isLoaded = true
    } catch (error) {
      this.#loaded = undefined
      throw error
    }
  }
}
