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
  /** From here up to `#upTo` there is nothing but messages, in rooms that lack no members, that have changed nothing else. */
  #plainFrom = 0
  /** Such messages after `#upTo` that this process has stored, by position: nobody has to read them. */
  readonly #stored = new Map<number, NewsEvent>()
  #reading: Promise<void> | undefined
  /** How often all was forgotten. */
  #forgotten = 0

  constructor(db: Reader) {
    this.#db = db
    const { inInteger } = db.dialect
    this.#readEvents = db.prepare(readEvents(inInteger('position')))
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
    const events = await this.events(after, upTo)
    return events?.some(({ softFailed }) => softFailed) ? events.filter(one => !one.softFailed) : events
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
   * Whether a span is known to hold nothing but messages, in rooms that lack no members, that have changed nothing else: then nobody came
   * or went with it, nobody's membership was learnt of late, and no room that lacked members has become complete. `false` says nothing.
   */
  async isPlain(after: number, upTo: number): Promise<boolean> {
    return (await this.#covers(after, upTo)) && after >= this.#plainFrom
  }

  /** The same, where nothing has to be read for it. */
  isKnownPlain(after: number, upTo: number): boolean {
    if (this.#from === undefined || after < Math.max(this.#from, this.#plainFrom)) return false
    if (this.#upTo < upTo) this.#takeStored()
    return upTo <= this.#upTo && after >= this.#from
  }

  /**
   * Takes down an event that this process has just stored, into a room that lacks no members, and that has changed no state: where a span
   * holds nothing else, as nearly all do, nothing is read of it. To be called before the stream moves.
   */
  stored(event: NewsEvent): void {
    if (this.#from !== undefined && this.#stored.size < MAX_KEPT) this.#stored.set(event.position, event)
  }

  /** Forgets all of it: something of it was redacted, or may be shown, by what is no news. */
  forget(): void {
    this.#forgotten += 1
    if (this.#from === undefined) return
    this.#stored.clear()
    this.#keepFrom(this.#upTo)
  }

  /** Reads on as far as needed; answers whether everything in the span is kept. */
  async #covers(after: number, upTo: number): Promise<boolean> {
    this.#from ??= this.#plainFrom = this.#upTo = this.#db.position('events')
    if (after < this.#from) return false
    const end = Math.min(upTo, this.#db.position('events'))
    if (this.#upTo < end) this.#takeStored()
    while (this.#upTo < end) {
      this.#reading ??= this.#readOn().finally(() => {
        this.#reading = undefined
      })
      await this.#reading
    }
    return after >= this.#from
  }

  async #readOn(): Promise<void> {
    const [after, upTo, forgotten] = [this.#upTo, this.#db.position('events'), this.#forgotten]
    if (upTo - after > MAX_KEPT) this.#keepFrom(upTo)
    else await this.#read(after, upTo)
    // What was read may be what was to be forgotten.
    if (this.#forgotten !== forgotten) this.#keepFrom(upTo)
    this.#reached(upTo)
  }

  /** Goes on where all that there is are messages that this process has stored. */
  #takeStored(): void {
    const [after, upTo] = [this.#upTo, this.#db.position('events')]
    if (this.#reading !== undefined || upTo - after > this.#stored.size) return
    const { own, others } = this.#parted(after, upTo)
    if (others.length > 0) return
    this.#kept.add(own, [])
    this.#reached(upTo)
  }

  #reached(upTo: number): void {
    this.#upTo = upTo
    for (const position of this.#stored.keys()) if (position <= upTo) this.#stored.delete(position)
    // By halves, so that forgetting costs next to nothing.
    const middle = this.#kept.size > MAX_KEPT ? this.#kept.positionOf(MAX_KEPT / 2) : undefined
    if (middle !== undefined) this.#keepFrom(middle)
  }

  /** Reads what of a span is not known to be messages of this process. */
  async #read(after: number, upTo: number): Promise<void> {
    const { own, others } = this.#parted(after, upTo)
    if (others.length === 0) return this.#kept.add(own, [])
    const rows = await this.#db.all<EventColumns>(this.#readEvents, [this.#db.list(others)])
    const events = rows.map(newsEvent)
    const isPlain = rows.length === others.length && rows.every(row => row.plain === 1)
    const points = isPlain
      ? []
      : await this.#points(events, { after, upTo, isWhole: rows.length === others.length })
    if (!isPlain) this.#plainFrom = upTo
    this.#kept.add(inOrder([...own, ...events]), points)
  }

  /** The messages of a span that this process has stored, and all its other positions. */
  #parted(after: number, upTo: number): { own: NewsEvent[]; others: number[] } {
    const own: NewsEvent[] = []
    const others: number[] = []
    for (let position = after + 1; position <= upTo; position++) {
      const event = this.#stored.get(position)
      if (event === undefined) others.push(position)
      else own.push(event)
    }
    return { own, others }
  }

  /** What has changed of the states of the rooms of some events, which are those of a span; `isWhole`: it has no positions without any. */
  async #points(
    events: readonly NewsEvent[],
    { after, upTo, isWhole }: { after: number; upTo: number; isWhole: boolean },
  ): Promise<NewsPoint[]> {
    const rooms = new Set(events.map(({ roomNid }) => roomNid))
    // Where a room that lacked members is complete, its state may change without any event, at a position of its own.
    if (!isWhole) {
      const completed = await this.#db.all<{ room_nid: number }>(this.#readCompleted, [after, upTo])
      for (const row of completed) rooms.add(row.room_nid)
    }
    if (rooms.size === 0) return []
    const span = [this.#db.list([...rooms]), after, upTo]
    return (await this.#db.all<PointColumns>(this.#readPoints, [...span, ...span])).map(newsPoint)
  }

  #keepFrom(position: number): void {
    this.#kept.dropUpTo(position)
    this.#from = position
  }
}

const inOrder = (events: NewsEvent[]): NewsEvent[] =>
  events.sort((one, other) => one.position - other.position)

/** `plain`: a message that has changed nothing else, in a room that lacked no members when it came (`EventNews.isPlain`). */
const readEvents = (condition: string): string => {
  const forked = 'EXISTS (SELECT 1 FROM event_state_delta d WHERE d.event_nid = e.event_nid)'
  const changed = ['valid_from', 'valid_to'].map(
    end => `EXISTS (SELECT 1 FROM room_state s WHERE s.room_nid = e.room_nid AND s.${end} = e.position)`,
  )
  const lacking = `EXISTS (SELECT 1 FROM partial_rooms p
    WHERE p.room_nid = e.room_nid AND (p.completed_at IS NULL OR p.completed_at > e.position))`
  return `SELECT position, event_nid, room_nid, type, state_key, sender, soft_failed, redacted_by,
      CASE WHEN ${forked} THEN 1 ELSE 0 END AS forked,
      CASE WHEN state_key IS NOT NULL OR soft_failed <> 0 OR redacted_by IS NOT NULL OR type = 'm.room.redaction'
        OR ${[forked, ...changed, lacking].join(' OR ')} THEN 0 ELSE 1 END AS plain
    FROM events e WHERE ${condition} AND rejected IS NULL ORDER BY position`
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
  plain: number
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
