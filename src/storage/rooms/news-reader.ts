import type { Prepared, Reader } from '../database.ts'
import type { KnownNews, NewsEvent, NewsPoint } from './kept-news.ts'

/** What was read of a stretch of the stream. */
export interface ReadNews extends KnownNews {
  /** There is nothing but messages, in rooms that lack no members, that have changed nothing else: then there are no points. */
  readonly isPlain: boolean
}

interface Span {
  readonly after: number
  readonly upTo: number
}

/** Reads what has entered the stream `events`, and what of the rooms' states has changed with it. */
export class NewsReader {
  readonly #db: Reader
  readonly #at: Prepared
  readonly #between: Prepared
  readonly #points: Prepared
  readonly #completed: Prepared

  constructor(db: Reader) {
    this.#db = db
    const { inInteger } = db.dialect
    this.#at = db.prepare(readEvents(inInteger('position')))
    this.#between = db.prepare(readEvents('position > ? AND position <= ?'))
    this.#completed = db.prepare(
      'SELECT room_nid FROM partial_rooms WHERE completed_at > ? AND completed_at <= ?',
    )
    // Not by the events: resolution may change state that no new event speaks of, in rooms that have new events.
    this.#points = db.prepare(
      `SELECT valid_from AS position, room_nid, type, state_key, 1 AS began FROM room_state
       WHERE ${inInteger('room_nid')} AND valid_from > ? AND valid_from <= ?
       UNION ALL
       SELECT valid_to AS position, room_nid, type, state_key, 0 AS began FROM room_state
       WHERE ${inInteger('room_nid')} AND valid_to > ? AND valid_to <= ?
       ORDER BY position`,
    )
  }

  /** The events at these positions of a span, of which all others are known to be plain; and all that has changed in it. */
  async at(positions: readonly number[], span: Span): Promise<ReadNews> {
    const rows = await this.#db.all<EventColumns>(this.#at, [this.#db.list(positions)])
    return this.#withPoints(rows, { ...span, isWhole: rows.length === positions.length })
  }

  /** All of a span, off the calling thread where there is another. */
  async between(span: Span): Promise<ReadNews> {
    const { after, upTo } = span
    const rows = await this.#db.scan<EventColumns>(this.#between, [after, upTo])
    return this.#withPoints(rows, { ...span, isWhole: rows.length === upTo - after })
  }

  /** `isWhole`: the span has no positions without an event. */
  async #withPoints(
    rows: readonly EventColumns[],
    { after, upTo, isWhole }: Span & { readonly isWhole: boolean },
  ): Promise<ReadNews> {
    const events = rows.map(newsEvent)
    if (isWhole && rows.every(row => row.plain === 1)) return { events, points: [], isPlain: true }
    const rooms = new Set(events.map(({ roomNid }) => roomNid))
    // Where a room that lacked members is complete, its state may change without any event, at a position of its own.
    if (!isWhole) {
      const completed = await this.#db.all<{ room_nid: number }>(this.#completed, [after, upTo])
      for (const row of completed) rooms.add(row.room_nid)
    }
    if (rooms.size === 0) return { events, points: [], isPlain: false }
    const half = [this.#db.list([...rooms]), after, upTo]
    const points = await this.#db.all<PointColumns>(this.#points, [...half, ...half])
    return { events, points: points.map(newsPoint), isPlain: false }
  }
}

/** `plain`: a message that has changed nothing else, in a room that lacked no members when it came. */
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
