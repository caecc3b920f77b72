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

const SHOWN = 'position IS NOT NULL AND rejected IS NULL AND soft_failed = 0'

/**
 * Finds events by when they were sent. Those that came in the order of time, which are nearly all, stand in it in the timeline as
 * well: among them is looked by halves. Only the others have an index by time, which each message would have to pay for.
 */
export class EventTimeReader {
  readonly #db: Reader
  readonly #later: Prepared
  readonly #earlier: Prepared
  readonly #inOrderFrom: Prepared
  readonly #following: Prepared
  readonly #preceding: Prepared

  constructor(db: Reader) {
    this.#db = db
    const select = 'SELECT event_nid, origin_server_ts, position FROM events WHERE room_nid = ?'
    const others = `${select} AND ${SHOWN} AND in_order = 0 AND (origin_server_ts, position)`
    this.#later = db.prepare(`${others} > (?, ?) ORDER BY origin_server_ts, position LIMIT ?`)
    this.#earlier = db.prepare(`${others} < (?, ?) ORDER BY origin_server_ts DESC, position DESC LIMIT ?`)
    this.#inOrderFrom = db.prepare('SELECT in_order_from FROM rooms WHERE room_nid = ?')
    const inOrder = `${select} AND ${SHOWN} AND in_order = 1`
    this.#following = db.prepare(`${inOrder} AND position >= ? ORDER BY position LIMIT ?`)
    this.#preceding = db.prepare(`${inOrder} AND position < ? ORDER BY position DESC LIMIT ?`)
  }

  /** The shown events of a room nearest to a place, which is itself not among them: after it (`f`) or before it (`b`). */
  async nearest(roomNid: number, dir: 'f' | 'b', place: Place, limit: number): Promise<EventTime[]> {
    const others = dir === 'f' ? this.#later : this.#earlier
    const parameters = [roomNid, place.timestamp, place.position, limit]
    const [outOfOrder, inOrder] = await Promise.all([
      this.#db.all<EventTimeRow>(others, parameters).then(rows => rows.map(eventTime)),
      this.#nearestInOrder(roomNid, dir, place, limit),
    ])
    const sign = dir === 'f' ? 1 : -1
    return [...outOfOrder, ...inOrder].sort((a, b) => sign * compare(a, b)).slice(0, limit)
  }

  async #nearestInOrder(roomNid: number, dir: 'f' | 'b', place: Place, limit: number): Promise<EventTime[]> {
    const room = await this.#db.get<{ in_order_from: number | null }>(this.#inOrderFrom, [roomNid])
    const from = room?.in_order_from ?? undefined
    if (from === undefined) return []
    // From here on all of them are beyond the place; for those before it, it counts as one of them.
    const beyond = dir === 'f' ? 1 : 0
    let [low, high] = [from, this.#db.position('events') + 1]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const next = await this.#db.get<EventTimeRow>(this.#following, [roomNid, middle, 1])
      if (next === undefined || compare(eventTime(next), place) >= beyond) high = middle
      else low = next.position + 1
    }
    const rows = await this.#db.all<EventTimeRow>(dir === 'f' ? this.#following : this.#preceding, [
      ...[roomNid, low, limit],
    ])
    return rows.map(eventTime)
  }
}

type Place = Omit<EventTime, 'nid'>

/** By time, and of the same time by position. */
const compare = (a: Place, b: Place): number =>
  Math.sign(a.timestamp - b.timestamp || a.position - b.position)

const eventTime = (row: EventTimeRow): EventTime => ({
  nid: row.event_nid,
  timestamp: row.origin_server_ts,
  position: row.position,
})
