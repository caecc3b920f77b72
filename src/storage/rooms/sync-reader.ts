import { stateMapKey } from '../../core/event/event.ts'
import type { Prepared, Reader } from '../database.ts'
import type { EventNews } from './event-news.ts'
import { MAY_BE_REDACTION, mayBeRedaction } from './kept-news.ts'

/** A room with new events, and the position of the newest. */
export interface TouchedRoom {
  readonly roomNid: number
  readonly position: number
  /** There may be redactions among the events. */
  readonly redacts: boolean
}

/** A room's newest event. */
export interface NewestEvent {
  readonly roomNid: number
  readonly roomId: string
  /** 0 if there is none that is shown. */
  readonly position: number
}

/** A point of a room's state that has changed. */
export interface TouchedPoint {
  readonly roomNid: number
  readonly type: string
  readonly stateKey: string
}

const distinct = (points: readonly TouchedPoint[]): TouchedPoint[] => [
  ...new Map(points.map(one => [pointKey(one), one])).values(),
]

const pointKey = ({ roomNid, type, stateKey }: TouchedPoint): string =>
  `${roomNid} ${stateMapKey(type, stateKey)}`

/** Reads that only `/sync` needs. */
export class SyncReader {
  readonly #db: Reader
  readonly #news: EventNews
  readonly #touchedRooms: Prepared
  readonly #touchedPoints: Prepared
  readonly #redactions: Prepared
  readonly #withEvents: Prepared
  readonly #newest: Prepared
  readonly #newestOfTypes: Prepared
  readonly #accountData: Prepared

  constructor(db: Reader, news: EventNews) {
    this.#db = db
    this.#news = news
    const { inInteger } = db.dialect
    this.#touchedRooms = db.prepare(
      `SELECT room_nid, MAX(position) AS newest,
         MAX(CASE WHEN ${MAY_BE_REDACTION} THEN 1 ELSE 0 END) AS redacts FROM events
       WHERE position > ? AND position <= ? AND rejected IS NULL AND soft_failed = 0 GROUP BY room_nid`,
    )
    this.#redactions = db.prepare(
      `SELECT event_nid FROM events WHERE position > ? AND position <= ? AND ${MAY_BE_REDACTION}`,
    )
    // Not by the events: resolution may change state that no new event speaks of. Points that come twice are told apart
    // later: for them to be here, SQLite goes through all state of the rooms, in the order of points.
    this.#touchedPoints = db.prepare(
      `SELECT room_nid, type, state_key FROM room_state
       WHERE ${inInteger('room_nid')} AND valid_from > ? AND valid_from <= ?
       UNION ALL
       SELECT room_nid, type, state_key FROM room_state
       WHERE ${inInteger('room_nid')} AND valid_to > ? AND valid_to <= ?`,
    )
    this.#withEvents = db.prepare(
      `SELECT r.room_nid FROM rooms r WHERE ${inInteger('r.room_nid')} AND EXISTS (
         SELECT 1 FROM events e WHERE e.room_nid = r.room_nid AND e.position > ? AND e.position <= ?
           AND e.position IS NOT NULL AND e.rejected IS NULL AND e.soft_failed = 0)`,
    )
    const shown = 'e.position IS NOT NULL AND e.rejected IS NULL AND e.soft_failed = 0'
    const last = 'ORDER BY e.position DESC LIMIT 1'
    this.#newest = db.prepare(
      `SELECT r.room_nid, r.room_id, (
         SELECT e.position FROM events e WHERE e.room_nid = r.room_nid AND e.position <= ? AND ${shown} ${last}
       ) AS newest FROM rooms r WHERE ${inInteger('r.room_nid')}`,
    )
    this.#newestOfTypes = db.prepare(
      `SELECT e.position FROM events e
       WHERE e.room_nid = ? AND e.position <= ? AND ${shown} AND ${db.dialect.inText('e.type')} ${last}`,
    )
    this.#accountData = db.prepare(
      "SELECT type, CASE content WHEN '' THEN '{}' ELSE content END AS content FROM account_data WHERE user_id = ? AND room_id = ? AND (content <> '' OR ? = 1)",
    )
  }

  /** The rooms with shown events after one position up to another. */
  async touchedRooms(after: number, upTo: number): Promise<TouchedRoom[]> {
    const news = await this.#news.shown(after, upTo)
    if (news !== undefined) {
      const touched = new Map<number, TouchedRoom>()
      for (const event of news) {
        const { roomNid, position } = event
        const redacts = mayBeRedaction(event) || touched.get(roomNid)?.redacts === true
        touched.set(roomNid, { roomNid, position, redacts })
      }
      return [...touched.values()]
    }
    const rows = await this.#db.all<{ room_nid: number; newest: number; redacts: number }>(
      this.#touchedRooms,
      [after, upTo],
    )
    return rows.map(row => ({ roomNid: row.room_nid, position: row.newest, redacts: row.redacts !== 0 }))
  }

  /** The points of these rooms' state where something began or ceased to hold in a span of positions. */
  async touchedPoints(
    roomNids: readonly number[],
    after: number,
    upTo: number,
  ): Promise<readonly TouchedPoint[]> {
    const news = await this.#news.points(after, upTo)
    if (news !== undefined) return distinct(news.filter(({ roomNid }) => roomNids.includes(roomNid)))
    const half = [this.#db.list(roomNids), after, upTo]
    const rows = await this.#db.all<{ room_nid: number; type: string; state_key: string }>(
      this.#touchedPoints,
      [...half, ...half],
    )
    return distinct(rows.map(row => ({ roomNid: row.room_nid, type: row.type, stateKey: row.state_key })))
  }

  /** The nids of what may be redactions in a span of positions. */
  async redactions(after: number, upTo: number): Promise<number[]> {
    const rows = await this.#db.all<{ event_nid: number }>(this.#redactions, [after, upTo])
    return rows.map(row => row.event_nid)
  }

  /** Which of these rooms have shown events in a span of positions: one index seek for each room. */
  async withEvents(roomNids: readonly number[], after: number, upTo: number): Promise<number[]> {
    const rows = await this.#db.scan<{ room_nid: number }>(this.#withEvents, [
      this.#db.list(roomNids),
      after,
      upTo,
    ])
    return rows.map(row => row.room_nid)
  }

  /** The newest events of rooms up to a position: one index seek for each room. */
  async newest(roomNids: readonly number[], upTo: number): Promise<NewestEvent[]> {
    if (roomNids.length === 0) return []
    const rows = await this.#db.scan<{ room_nid: number; room_id: string; newest: number | null }>(
      this.#newest,
      [upTo, this.#db.list(roomNids)],
    )
    return rows.map(row => ({ roomNid: row.room_nid, roomId: row.room_id, position: row.newest ?? 0 }))
  }

  /** The position of a room's newest event of some types up to a position. */
  async newestOfTypes(roomNid: number, types: readonly string[], upTo: number): Promise<number | undefined> {
    const list = this.#db.list(types)
    const row = await this.#db.get<{ position: number }>(this.#newestOfTypes, [roomNid, upTo, list])
    return row?.position
  }

  /** A user's account data for a room; `content` is JSON text. */
  accountDataOf(
    userId: string,
    roomId: string,
    { withDeleted = false } = {},
  ): Promise<{ type: string; content: string }[]> {
    return this.#db.all(this.#accountData, [userId, roomId, withDeleted ? 1 : 0])
  }
}
