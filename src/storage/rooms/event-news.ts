import type { Prepared, Reader } from '../database.ts'
import { KeptNews, type KnownNews, type NewsEvent, type NewsPoint } from './kept-news.ts'

/** So many events are kept. Whoever is further behind reads for himself. */
const MAX_KEPT = 1_000

/**
 * The newest of the stream `events`, read once for all who follow it: a dozen look at every message, and nearly always it
 * is no concern of theirs. What happened in a span is answered from memory as long as the span is recent; `undefined`
 * says that it is not.
 */
export class EventNews {
  readonly #db: Reader
  readonly #readEvents: Prepared
  readonly #readPoints: Prepared
  readonly #readCompleted: Prepared
  /** All of it after `#from` up to `#upTo`. */
  readonly #kept = new KeptNews()
  #from: number | undefined
  #upTo = 0
  /** From here up to `#upTo` there is nothing but what this process has stored. */
  #ownFrom = 0
  /** What this process has stored after `#upTo`, by position. */
  readonly #stored = new Map<number, NewsEvent>()
  #reading: Promise<void> | undefined

  constructor(db: Reader) {
    this.#db = db
    this.#readEvents = db.prepare(
      `SELECT position, event_nid, room_nid, type, state_key, sender, soft_failed, redacted_by,
         CASE WHEN EXISTS (SELECT 1 FROM event_state_delta d WHERE d.event_nid = events.event_nid) THEN 1 ELSE 0 END
           AS forked
       FROM events WHERE position > ? AND position <= ? AND rejected IS NULL ORDER BY position`,
    )
    const { inInteger } = db.dialect
    this.#readCompleted = db.prepare(
      'SELECT room_nid FROM partial_rooms WHERE completed_at > ? AND completed_at <= ?',
    )
    // Not by the events: resolution may change state that no new event speaks of, in rooms that have new events.
    this.#readPoints = db.prepare(
      `SELECT valid_from AS position, room_nid, type, state_key, 1 AS began FROM room_state
       WHERE ${inInteger('room_nid')} AND valid_from > ? AND valid_from <= ?
       UNION ALL
       SELECT valid_to AS position, room_nid, type, state_key, 0 AS began FROM room_state
       WHERE ${inInteger('room_nid')} AND valid_to > ? AND valid_to <= ?
       ORDER BY position`,
    )
  }

  /** The events after one position up to another, in order. */
  async events(after: number, upTo: number): Promise<readonly NewsEvent[] | undefined> {
    return (await this.#covers(after, upTo)) ? this.#kept.events(after, upTo) : undefined
  }

  /** The events that are shown: those that are not soft-failed. */
  async shown(after: number, upTo: number): Promise<readonly NewsEvent[] | undefined> {
    return (await this.events(after, upTo))?.filter(({ softFailed }) => !softFailed)
  }

  /** What has changed of the rooms' states in a span of positions. */
  async points(after: number, upTo: number): Promise<readonly NewsPoint[] | undefined> {
    return (await this.#covers(after, upTo)) ? this.#kept.points(after, upTo) : undefined
  }

  /** What happened in a room in a span, as far as all of that has been read already: nothing is asked of the database for it. */
  known(roomNid: number, after: number, upTo: number): KnownNews | undefined {
    if (this.#from === undefined || after < this.#from || upTo > this.#upTo) return undefined
    return this.#kept.ofRoom(roomNid, after, upTo)
  }

  /**
   * Whether a span is known to hold nothing but what `stored` has told: then nobody came or went with it, nobody's membership was learnt
   * of late, and no room that lacked members has become complete. `false` says nothing.
   */
  async isPlain(after: number, upTo: number): Promise<boolean> {
    return (await this.#covers(after, upTo)) && after >= this.#ownFrom
  }

  /**
   * Takes down an event that this process has just stored, into a room that lacks no members, and that has changed no state: where a span
   * holds nothing else, as nearly all do, nothing is read of it. To be called before the stream moves.
   */
  stored(event: NewsEvent): void {
    if (this.#from !== undefined && this.#stored.size < MAX_KEPT) this.#stored.set(event.position, event)
  }

  /** All events of a span, if this process has stored them. */
  #ownOf(after: number, upTo: number): NewsEvent[] | undefined {
    const events: NewsEvent[] = []
    for (let position = after + 1; position <= upTo; position++) {
      const event = this.#stored.get(position)
      if (event === undefined) return undefined
      events.push(event)
    }
    return events
  }

  /** Reads on as far as needed; answers whether everything in the span is kept. */
  async #covers(after: number, upTo: number): Promise<boolean> {
    this.#from ??= this.#ownFrom = this.#upTo = this.#db.position('events')
    if (after < this.#from) return false
    const end = Math.min(upTo, this.#db.position('events'))
    while (this.#upTo < end) {
      this.#reading ??= this.#readOn().finally(() => {
        this.#reading = undefined
      })
      await this.#reading
    }
    return after >= this.#from
  }

  async #readOn(): Promise<void> {
    const [after, upTo] = [this.#upTo, this.#db.position('events')]
    const own = this.#ownOf(after, upTo)
    if (own !== undefined) this.#kept.add(own, [])
    else if (upTo - after > MAX_KEPT) this.#keepFrom(upTo)
    else await this.#read(after, upTo)
    if (own === undefined) this.#ownFrom = upTo
    this.#upTo = upTo
    for (const position of this.#stored.keys()) if (position <= upTo) this.#stored.delete(position)
    // By halves, so that forgetting costs next to nothing.
    const middle = this.#kept.size > MAX_KEPT ? this.#kept.positionOf(MAX_KEPT / 2) : undefined
    if (middle !== undefined) this.#keepFrom(middle)
  }

  async #read(after: number, upTo: number): Promise<void> {
    const events = (await this.#db.all<EventColumns>(this.#readEvents, [after, upTo])).map(newsEvent)
    const rooms = new Set(events.map(({ roomNid }) => roomNid))
    // Where a room that lacked members is complete, its state may change without any event, at a position of its own.
    if (events.length < upTo - after) {
      const completed = await this.#db.all<{ room_nid: number }>(this.#readCompleted, [after, upTo])
      for (const row of completed) rooms.add(row.room_nid)
    }
    const span = [this.#db.list([...rooms]), after, upTo]
    const points =
      rooms.size === 0 ? [] : await this.#db.all<PointColumns>(this.#readPoints, [...span, ...span])
    this.#kept.add(events, points.map(newsPoint))
  }

  #keepFrom(position: number): void {
    this.#kept.dropUpTo(position)
    this.#from = position
  }
}

interface EventColumns {
  position: number
  event_nid: number
  room_nid: number
  type: string
  state_key: string | null
  sender: string
  soft_failed: number
  redacted_by: number | null
  forked: number
}

const newsEvent = (row: EventColumns): NewsEvent => ({
  position: row.position,
  nid: row.event_nid,
  roomNid: row.room_nid,
  type: row.type,
  stateKey: row.state_key ?? undefined,
  sender: row.sender,
  softFailed: row.soft_failed !== 0,
  redactedBy: row.redacted_by ?? undefined,
  forked: row.forked !== 0,
})

interface PointColumns {
  position: number
  room_nid: number
  type: string
  state_key: string
  began: number
}

const newsPoint = (row: PointColumns): NewsPoint => ({
  position: row.position,
  roomNid: row.room_nid,
  type: row.type,
  stateKey: row.state_key,
  began: row.began !== 0,
})
