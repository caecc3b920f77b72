import type { Prepared, Reader } from '../database.ts'

/** A shown event's place on the axis of time. */
export interface EventTime {
  readonly nid: number
  /** `origin_server_ts`. */
  readonly timestamp: number
  readonly position: number
}

interface EventTimeRow {
  event_nid: number
  origin_server_ts: number
  position: number
}

/** Finds events by when they were sent. */
export class EventTimeReader {
  readonly #db: Reader
  readonly #later: Prepared
  readonly #earlier: Prepared

  constructor(db: Reader) {
    this.#db = db
    const select = `SELECT event_nid, origin_server_ts, position FROM events
      WHERE room_nid = ? AND position IS NOT NULL AND rejected IS NULL AND soft_failed = 0
        AND (origin_server_ts, position)`
    this.#later = db.prepare(`${select} > (?, ?) ORDER BY origin_server_ts, position LIMIT ?`)
    this.#earlier = db.prepare(`${select} < (?, ?) ORDER BY origin_server_ts DESC, position DESC LIMIT ?`)
  }

  /** The shown events of a room nearest to a place, which is itself not among them: after it (`f`) or before it (`b`). */
  async nearest(
    roomNid: number,
    dir: 'f' | 'b',
    place: Omit<EventTime, 'nid'>,
    limit: number,
  ): Promise<EventTime[]> {
    const prepared = dir === 'f' ? this.#later : this.#earlier
    const rows = await this.#db.all<EventTimeRow>(prepared, [roomNid, place.timestamp, place.position, limit])
    return rows.map(row => ({ nid: row.event_nid, timestamp: row.origin_server_ts, position: row.position }))
  }
}
