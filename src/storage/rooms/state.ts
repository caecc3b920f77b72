import { stateMapKey } from '../../core/event/event.ts'
import type { Prepared, Reader } from '../database.ts'
import type { EventNews } from './event-news.ts'
import {
  type SpanColumns,
  type StateChange,
  type StateDelta,
  type StateEntry,
  type StateSpan,
  stateSpan,
} from './state-entry.ts'

interface StateRow {
  type: string
  state_key: string
  event_nid: number
  event_id: string
  generation: number
}

interface DeltaRow {
  type: string
  state_key: string
  state_event_nid: number | null
  event_id: string | null
  generation: number | null
}

const entry = (row: StateRow): StateEntry => ({
  type: row.type,
  stateKey: row.state_key,
  nid: row.event_nid,
  eventId: row.event_id,
  generation: row.generation,
})

const TABLES = 'room_state s JOIN events e ON e.event_nid = s.event_nid'

/**
 * The room state over time. A row says that an event is the state of its point from position `valid_from`
 * (inclusive) to `valid_to` (exclusive, open while it holds). The state *after* position p is what holds at p; the
 * state *before* the event at p is what holds at p − 1, adjusted by that event's delta where it lies on a fork.
 */
export class StateReader {
  readonly #db: Reader
  readonly #news: EventNews
  readonly #current: Prepared
  readonly #at: Prepared
  readonly #point: Prepared
  readonly #pointAt: Prepared
  readonly #latest: Prepared
  readonly #types: Prepared
  readonly #changes: Prepared
  readonly #ended: Prepared
  readonly #deltas: Prepared
  readonly #history: Prepared
  readonly #spans: Prepared
  readonly #replaced: Prepared
  readonly #changedAfter: Prepared
  readonly #endedAfter: Prepared
  readonly #changedRooms: Prepared

  constructor(db: Reader, news: EventNews) {
    this.#db = db
    this.#news = news
    const select = `SELECT s.type, s.state_key, s.event_nid, e.event_id, e.generation FROM ${TABLES}`
    const holds = 's.valid_from <= ? AND (s.valid_to IS NULL OR s.valid_to > ?)'
    this.#current = db.prepare(`${select} WHERE s.room_nid = ? AND s.valid_to IS NULL`)
    this.#at = db.prepare(`${select} WHERE s.room_nid = ? AND ${holds}`)
    this.#point = db.prepare(
      `${select} WHERE s.room_nid = ? AND s.type = ? AND s.state_key = ? AND s.valid_to IS NULL`,
    )
    this.#latest = db.prepare(
      `SELECT event_nid, valid_from FROM room_state WHERE room_nid = ? AND type = ? AND state_key = ?
       ORDER BY valid_from DESC LIMIT ?`,
    )
    this.#pointAt = db.prepare(
      `${select} WHERE s.room_nid = ? AND s.type = ? AND s.state_key = ? AND ${holds}`,
    )
    this.#types = db.prepare(`${select} WHERE s.room_nid = ? AND ${db.dialect.inText('s.type')} AND ${holds}`)
    this.#changes = db.prepare(
      `SELECT s.type, s.state_key, s.event_nid, e.event_id, e.generation, s.valid_from FROM ${TABLES}
       WHERE s.room_nid = ? AND s.valid_from > ? AND s.valid_from <= ? ORDER BY s.valid_from`,
    )
    this.#ended = db.prepare(
      `${select} WHERE s.room_nid = ? AND s.valid_to > ? AND s.valid_to <= ? AND s.valid_from <= ?`,
    )
    this.#deltas = db.prepare(
      `SELECT d.type, d.state_key, d.state_event_nid, e.event_id, e.generation FROM event_state_delta d
       LEFT JOIN events e ON e.event_nid = d.state_event_nid WHERE d.event_nid = ?`,
    )
    const spans =
      'SELECT event_nid, valid_from, valid_to FROM room_state WHERE room_nid = ? AND type = ? AND state_key = ?'
    this.#history = db.prepare(`${spans} ORDER BY valid_from`)
    this.#spans = db.prepare(
      `${spans} AND valid_from <= ? AND (valid_to IS NULL OR valid_to > ?) ORDER BY valid_from`,
    )
    this.#changedAfter = db.prepare(
      'SELECT type, state_key FROM room_state WHERE room_nid = ? AND valid_from > ?',
    )
    this.#endedAfter = db.prepare(`${select} WHERE s.room_nid = ? AND s.valid_to > ? AND s.valid_from <= ?`)
    const inSpan = (column: string): string =>
      `SELECT room_nid FROM room_state
       WHERE ${db.dialect.inInteger('room_nid')} AND ${column} > ? AND ${column} <= ? AND type = ?`
    this.#changedRooms = db.prepare(`${inSpan('valid_from')} UNION ${inSpan('valid_to')}`)
    this.#replaced = db.prepare(
      'SELECT event_nid FROM room_state WHERE room_nid = ? AND type = ? AND state_key = ? AND valid_to = ?',
    )
  }

  /** The whole current state. */
  async current(roomNid: number): Promise<StateEntry[]> {
    return (await this.#db.scan<StateRow>(this.#current, [roomNid])).map(entry)
  }

  /** The whole state that held at a position (after the event there). */
  async at(roomNid: number, position: number): Promise<StateEntry[]> {
    return (await this.#db.scan<StateRow>(this.#at, [roomNid, position, position])).map(entry)
  }

  /** The state of some types only, at a position. */
  async ofTypes(roomNid: number, types: readonly string[], position: number): Promise<StateEntry[]> {
    const rows = await this.#db.all<StateRow>(this.#types, [
      roomNid,
      this.#db.list(types),
      position,
      position,
    ])
    return rows.map(entry)
  }

  /** What a point has been, newest first: the events that set it, and the positions from which they held. */
  async latest(
    roomNid: number,
    type: string,
    stateKey: string,
    limit: number,
  ): Promise<{ nid: number; from: number }[]> {
    const rows = await this.#db.all<StateRow & { valid_from: number }>(this.#latest, [
      roomNid,
      type,
      stateKey,
      limit,
    ])
    return rows.map(row => ({ nid: row.event_nid, from: row.valid_from }))
  }

  /** One point of the current state, or (with a position) of the state that held there: the event's nid. */
  async point(
    roomNid: number,
    type: string,
    stateKey: string,
    position?: number,
  ): Promise<number | undefined> {
    const row =
      position === undefined
        ? await this.#db.get<StateRow>(this.#point, [roomNid, type, stateKey])
        : await this.#db.get<StateRow>(this.#pointAt, [roomNid, type, stateKey, position, position])
    return row?.event_nid
  }

  /** Every change after `after` up to and including `upTo`, in order; the last for a point is what holds at `upTo`
   * unless it ended without a successor (`ended`). */
  async changes(roomNid: number, after: number, upTo: number): Promise<StateChange[]> {
    const rows = await this.#db.all<StateRow & { valid_from: number }>(this.#changes, [roomNid, after, upTo])
    return rows.map(row => ({ ...entry(row), position: row.valid_from }))
  }

  /** What held at `after` and ended by `upTo`: with `changes`, enough to undo a span of positions. */
  async ended(roomNid: number, after: number, upTo: number): Promise<StateEntry[]> {
    return (await this.#db.all<StateRow>(this.#ended, [roomNid, after, upTo, after])).map(entry)
  }

  /** Those of these rooms in which a point of a type has begun or ended after `after` up to and including `upTo`. */
  async changedRooms(
    roomNids: readonly number[],
    type: string,
    { after, upTo }: { after: number; upTo: number },
  ): Promise<Set<number>> {
    const news = await this.#news.points(after, upTo)
    if (news !== undefined) {
      const changed = news.filter(point => point.type === type && roomNids.includes(point.roomNid))
      return new Set(changed.map(({ roomNid }) => roomNid))
    }
    const span = [this.#db.list(roomNids), after, upTo, type]
    const rows = await this.#db.all<{ room_nid: number }>(this.#changedRooms, [...span, ...span])
    return new Set(rows.map(row => row.room_nid))
  }

  /** How the state before an event differs from what held just before its position (empty but on forks). */
  async delta(eventNid: number): Promise<StateDelta[]> {
    const rows = await this.#db.all<DeltaRow>(this.#deltas, [eventNid])
    return rows.map(row => ({
      type: row.type,
      stateKey: row.state_key,
      nid: row.state_event_nid ?? undefined,
      eventId: row.event_id ?? undefined,
      ...(row.generation === null ? {} : { generation: row.generation }),
    }))
  }

  /**
   * How the state that held at a position differs from the current one, at the price of what has changed since.
   * Points that hold the same again may be among them.
   */
  async backTo(roomNid: number, position: number): Promise<StateDelta[]> {
    const [changed, held] = await Promise.all([
      this.#db.scan<StateRow>(this.#changedAfter, [roomNid, position]),
      this.#db.scan<StateRow>(this.#endedAfter, [roomNid, position, position]),
    ])
    const deltas = new Map<string, StateDelta>()
    for (const { type, state_key: stateKey } of changed) {
      deltas.set(stateMapKey(type, stateKey), { type, stateKey, nid: undefined, eventId: undefined })
    }
    for (const row of held) deltas.set(stateMapKey(row.type, row.state_key), entry(row))
    return [...deltas.values()]
  }

  /** Everything that a point has been, oldest first: the event's nid and when it held. */
  async history(roomNid: number, type: string, stateKey: string): Promise<StateSpan[]> {
    return (await this.#db.all<SpanColumns>(this.#history, [roomNid, type, stateKey])).map(stateSpan)
  }

  /** What a point has been from one position to another, oldest first: also what held at the first already. */
  async spans(
    roomNid: number,
    type: string,
    stateKey: string,
    { after, upTo }: { after: number; upTo: number },
  ): Promise<StateSpan[]> {
    const rows = await this.#db.all<SpanColumns>(this.#spans, [roomNid, type, stateKey, upTo, after])
    return rows.map(stateSpan)
  }

  /** What a point held until something else took its place at this position: the event's nid. */
  async replacedAt(
    roomNid: number,
    type: string,
    stateKey: string,
    position: number,
  ): Promise<number | undefined> {
    const row = await this.#db.get<{ event_nid: number }>(this.#replaced, [roomNid, type, stateKey, position])
    return row?.event_nid
  }
}
