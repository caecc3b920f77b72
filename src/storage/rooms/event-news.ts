import type { Reader } from '../database.ts'
import { KeptNews, type KnownNews, type NewsEvent, type NewsPoint } from './kept-news.ts'
import { MissedNews } from './missed-news.ts'
import { NewsReader } from './news-reader.ts'

/** So much is kept of the newest, some ten thousand messages, and so much of what some have missed. Bytes. */
const MAX_BYTES = 2 * 1024 * 1024
/** Events that are read, or worked on, at once. */
const STEP = 1_000
/** After so many steps that nobody has asked for it is begun anew. */
const MAX_UNREAD = 8
/** So many events that this process has stored wait to be asked for. */
const MAX_STORED = 4_000

/** How much is kept, in bytes, and how many events are read at once. */
export interface NewsBounds {
  readonly maxBytes: number
  readonly step: number
}

/**
 * The newest of the stream `events`, read once for all who follow it: a dozen look at every message, and nearly always it
 * is no concern of theirs. What happened in a span is answered from memory as long as the span is recent, or was read for
 * others who have fallen behind as well (`end`); `undefined` says that it is not.
 */
export class EventNews {
  readonly #db: Reader
  readonly #reader: NewsReader
  readonly #bounds: NewsBounds
  readonly #missed: MissedNews
  /** Where the stream was when somebody was behind last. */
  #missedAt = 0
  /** All of it after `#from` up to `#upTo`. */
  readonly #kept = new KeptNews()
  #from: number | undefined
  #upTo = 0
  /** From here up to `#upTo` there is nothing but messages, in rooms that lack no members, that have changed nothing else. */
  #plainFrom = 0
  /** Such messages after `#upTo` that this process has stored, by position: nobody has to read them. */
  readonly #stored = new Map<number, NewsEvent>()
  #reading: Promise<void> | undefined

  constructor(db: Reader, { maxBytes = MAX_BYTES, step = STEP }: Partial<NewsBounds> = {}) {
    this.#db = db
    this.#reader = new NewsReader(db)
    this.#bounds = { maxBytes, step }
    this.#missed = new MissedNews(db, this.#bounds)
  }

  /**
   * Where the next step of a follower ends, at most `upTo`: what happened from there to here is kept, or can be, for all who
   * are at about the same place. Whoever has fallen behind is with the others again in steps of a thousand events.
   */
  end(after: number, upTo: number): number | Promise<number> {
    if (after >= upTo) return upTo
    if (after >= this.#begin()) {
      return Math.min(upTo, this.#kept.positionAfter(after, this.#bounds.step) ?? upTo)
    }
    this.#missedAt = this.#db.position('events')
    return this.#missed.end(after, upTo)
  }

  /** The events after one position up to another, in order. */
  async events(after: number, upTo: number): Promise<readonly NewsEvent[] | undefined> {
    return (await this.#covering(after, upTo))?.events(after, upTo)
  }

  /** The events that are shown: those that are not soft-failed. */
  async shown(after: number, upTo: number): Promise<readonly NewsEvent[] | undefined> {
    return (await this.events(after, upTo))?.filter(({ softFailed }) => !softFailed)
  }

  /** What has changed of the rooms' states in a span of positions. */
  async points(after: number, upTo: number): Promise<readonly NewsPoint[] | undefined> {
    return (await this.#covering(after, upTo))?.points(after, upTo)
  }

  /** What happened in a room in a span, as far as all of that has been read already: nothing is asked of the database for it. */
  known(roomNid: number, after: number, upTo: number): KnownNews | undefined {
    if (this.#from === undefined || after < this.#from || upTo > this.#upTo) return undefined
    return this.#kept.ofRoom(roomNid, after, upTo)
  }

  /** Whether it is known what has happened since a position. */
  reachesBackTo(position: number): boolean {
    return position >= this.#begin()
  }

  /**
   * Whether a span is known to hold nothing but messages, in rooms that lack no members, that have changed nothing else: then nobody came
   * or went with it, nobody's membership was learnt of late, and no room that lacked members has become complete. `false` says nothing.
   */
  async isPlain(after: number, upTo: number): Promise<boolean> {
    const covering = await this.#covering(after, upTo)
    if (covering === this.#kept) return after >= this.#plainFrom
    return covering !== undefined && this.#missed.covering(after, upTo)?.isPlain === true
  }

  /**
   * Takes down an event that this process has just stored, into a room that lacks no members, and that has changed no state: where a span
   * holds nothing else, as nearly all do, nothing is read of it. To be called before the stream moves.
   */
  stored(event: NewsEvent): void {
    if (this.#from !== undefined && this.#stored.size < MAX_STORED) this.#stored.set(event.position, event)
  }

  #begin(): number {
    this.#from ??= this.#plainFrom = this.#upTo = this.#db.position('events')
    return this.#from
  }

  /** Reads on as far as needed; answers in what everything of the span is kept. */
  async #covering(after: number, upTo: number): Promise<KeptNews | undefined> {
    if (after < this.#begin()) return this.#missed.covering(after, upTo)?.kept
    const end = Math.min(upTo, this.#db.position('events'))
    while (this.#upTo < end) {
      this.#reading ??= this.#readOn(after, end).finally(() => {
        this.#reading = undefined
      })
      await this.#reading
    }
    return after >= this.#begin() ? this.#kept : undefined
  }

  async #readOn(asked: number, end: number): Promise<void> {
    const { maxBytes, step } = this.#bounds
    if (end - this.#upTo > MAX_UNREAD * step) this.#beginAnew(asked > this.#upTo ? asked : end)
    const after = this.#upTo
    const upTo = Math.min(this.#db.position('events'), after + step)
    const before = this.#kept.size
    await this.#read(after, upTo)
    this.#upTo = upTo
    // What is kept free for the gap of a timeline may be filled later: nothing is known across it (services/rooms/timeline-gaps.ts).
    if (upTo - after === step && this.#kept.size === before) this.#keepFrom(upTo)
    for (const position of this.#stored.keys()) if (position <= upTo) this.#stored.delete(position)
    // By quarters, so that forgetting costs next to nothing; what was read last is still to be asked for.
    while (this.#kept.bytes > maxBytes && this.#begin() < after)
      this.#keepFrom(Math.min(after, this.#kept.positionOf(this.#kept.size >> 2) ?? after))
    if (!this.#missed.isEmpty && upTo - this.#missedAt > step) this.#missed.forget()
  }

  /** Reads what of a span is not known to be messages of this process. */
  async #read(after: number, upTo: number): Promise<void> {
    const own: NewsEvent[] = []
    const others: number[] = []
    for (let position = after + 1; position <= upTo; position++) {
      const event = this.#stored.get(position)
      if (event === undefined) others.push(position)
      else own.push(event)
    }
    if (others.length === 0) return this.#kept.add(own, [])
    const { events, points, isPlain } = await this.#reader.at(others, { after, upTo })
    if (!isPlain) this.#plainFrom = upTo
    this.#kept.add(inOrder([...own, ...events]), points)
  }

  #beginAnew(position: number): void {
    this.#keepFrom(position)
    this.#upTo = position
  }

  #keepFrom(position: number): void {
    this.#kept.dropUpTo(position)
    this.#from = position
  }
}

const inOrder = (events: NewsEvent[]): NewsEvent[] =>
  events.sort((one, other) => one.position - other.position)
