import type { Prepared, Reader } from '../database.ts'
import { listedRows } from '../listed-rows.ts'
import { type SpanColumns, type StateSpan, stateSpan } from './state-entry.ts'

/** A state event's place, and the event's nid. */
export interface StateAt {
  readonly type: string
  readonly stateKey: string
  readonly nid: number
}

/** A change of one state point: what holds from a position on. */
export interface StateChangeAt extends StateAt {
  readonly position: number
}

/** A place in a room's state. */
export type StatePoint = Pick<StateAt, 'type' | 'stateKey'>

/** What a user's sight of an event on a fork depends on: what the event's own state has in place of the timeline's. */
export interface ForkPoint {
  readonly eventNid: number
  readonly type: string
  /** `undefined`: not set in the event's state. */
  readonly stateNid: number | undefined
}

interface EntryColumns {
  type: string
  state_key: string
  event_nid: number
}

const entry = (row: EntryColumns): StateAt => ({
  type: row.type,
  stateKey: row.state_key,
  nid: row.event_nid,
})

// The plus keeps the index by position out of it, which has all that the room has ever been: the key's own order is read.
const HOLDS = '+valid_from <= ? AND (valid_to IS NULL OR valid_to > ?)'

/** Partial reads of the room state over time, for showing rooms to clients: see `state.ts` for what the rows mean. */
export class StateViews {
  readonly #db: Reader
  readonly #whole: Prepared
  readonly #ofTypes: Prepared
  readonly #named: Prepared
  readonly #changes: Prepared
  readonly #ended: Prepared
  readonly #withoutMembers: Prepared
  readonly #members: Prepared
  readonly #allMembers: Prepared
  readonly #memberEvents: Prepared
  readonly #ends: Prepared
  readonly #since: Prepared
  readonly #forks: Prepared
  readonly #replaced: Prepared

  constructor(db: Reader) {
    this.#db = db
    const select = 'SELECT type, state_key, event_nid FROM room_state'
    this.#whole = db.prepare(`${select} WHERE room_nid = ? AND ${HOLDS}`)
    this.#ofTypes = db.prepare(`${select} WHERE room_nid = ? AND ${db.dialect.inText('type')} AND ${HOLDS}`)
    this.#named = db.prepare(
      `${select} WHERE room_nid = ? AND type IN ('m.room.name', 'm.room.canonical_alias') AND state_key = ''
         AND valid_to IS NULL`,
    )
    this.#changes = db.prepare(
      `SELECT type, state_key, event_nid, valid_from FROM room_state
       WHERE room_nid = ? AND valid_from > ? AND valid_from <= ? ORDER BY valid_from`,
    )
    this.#ended = db.prepare(
      `SELECT DISTINCT type, state_key FROM room_state AS ended
       WHERE room_nid = ? AND valid_to > ? AND valid_to <= ? AND NOT EXISTS (
         SELECT 1 FROM room_state AS held
         WHERE held.room_nid = ended.room_nid AND held.type = ended.type AND held.state_key = ended.state_key
           AND held.valid_from <= ? AND (held.valid_to IS NULL OR held.valid_to > ?))`,
    )
    // Two ranges of the key, so that the rows of members are never touched.
    this.#withoutMembers = db.prepare(
      `${select} WHERE room_nid = ? AND type < 'm.room.member' AND ${HOLDS}
       UNION ALL
       ${select} WHERE room_nid = ? AND type > 'm.room.member' AND ${HOLDS}`,
    )
    this.#members = db.prepare(
      `${select} WHERE room_nid = ? AND type = 'm.room.member' AND ${db.dialect.inText('state_key')} AND ${HOLDS}`,
    )
    const allMembers = `WHERE room_nid = ? AND type = 'm.room.member' AND ${HOLDS}`
    this.#allMembers = db.prepare(`${select} ${allMembers}`)
    this.#memberEvents = db.prepare(`SELECT event_nid FROM room_state ${allMembers}`)
    const end = (order: string): string =>
      `SELECT * FROM (SELECT event_nid, valid_from, valid_to FROM room_state
       WHERE room_nid = ? AND type = ? AND state_key = ? ORDER BY valid_from ${order} LIMIT 1) AS ${order}_end`
    this.#ends = db.prepare(
      `${end('ASC')} UNION ALL ${end('DESC')}
       UNION ALL SELECT refills AS event_nid, NULL AS valid_from, NULL AS valid_to FROM rooms WHERE room_nid = ?`,
    )
    this.#since = db.prepare(
      `SELECT event_nid, valid_from, valid_to FROM room_state
       WHERE room_nid = ? AND type = ? AND state_key = ? AND valid_from >= ? ORDER BY valid_from`,
    )
    this.#forks = db.prepare(
      `SELECT event_nid, type, state_event_nid FROM event_state_delta
       WHERE ${db.dialect.inInteger('event_nid')}
         AND ((type = 'm.room.history_visibility' AND state_key = '') OR (type = 'm.room.member' AND state_key = ?))`,
    )
    this.#replaced = db.prepare(
      `SELECT e.event_nid, s.event_nid AS replaced_nid FROM events e
       JOIN room_state s ON s.room_nid = e.room_nid AND s.type = e.type AND s.state_key = e.state_key
         AND s.valid_to = e.position
       WHERE ${db.dialect.inInteger('e.event_nid')}`,
    )
  }

  /**
   * All of the state that held at a position.
   *
   * @param isLarge that it has more than about a hundred entries: it is then read off the event loop
   */
  async whole(roomNid: number, position: number, isLarge: boolean): Promise<StateAt[]> {
    const read = isLarge ? this.#db.scan.bind(this.#db) : this.#db.all.bind(this.#db)
    return (await read<EntryColumns>(this.#whole, [roomNid, position, position])).map(entry)
  }

  /** The state of some types that held at a position. */
  async ofTypes(roomNid: number, types: readonly string[], position: number): Promise<StateAt[]> {
    const read = types.includes('m.room.member') ? this.#db.scan.bind(this.#db) : this.#db.all.bind(this.#db)
    const parameters = [roomNid, this.#db.list(types), position, position]
    return (await read<EntryColumns>(this.#ofTypes, parameters)).map(entry)
  }

  /** What the room is called by now: its name and its canonical alias, as far as they are set. */
  async names(roomNid: number): Promise<StateAt[]> {
    return (await this.#db.all<EntryColumns>(this.#named, [roomNid])).map(entry)
  }

  /** Every change after one position up to another, in order. */
  async changes(roomNid: number, after: number, upTo: number): Promise<StateChangeAt[]> {
    const parameters = [roomNid, after, upTo]
    const rows = await this.#db.all<EntryColumns & { valid_from: number }>(this.#changes, parameters)
    return rows.map(row => ({ ...entry(row), position: row.valid_from }))
  }

  /** What ceased to hold after one position up to another, and nothing had taken its place by then. */
  async ended(roomNid: number, after: number, upTo: number): Promise<StatePoint[]> {
    const parameters = [roomNid, after, upTo, upTo, upTo]
    const rows = await this.#db.all<Pick<EntryColumns, 'type' | 'state_key'>>(this.#ended, parameters)
    return rows.map(row => ({ type: row.type, stateKey: row.state_key }))
  }

  /** The state that held at a position, but for `m.room.member`: its cost does not depend on how many members there are. */
  async withoutMembers(roomNid: number, position: number): Promise<StateAt[]> {
    const one = [roomNid, position, position]
    return (await this.#db.all<EntryColumns>(this.#withoutMembers, [...one, ...one])).map(entry)
  }

  /** Some users' member events as they held at a position. */
  async members(roomNid: number, userIds: readonly string[], position: number): Promise<StateAt[]> {
    if (userIds.length === 0) return []
    const parameters = [roomNid, this.#db.list(userIds), position, position]
    return (await this.#db.all<EntryColumns>(this.#members, parameters)).map(entry)
  }

  /** All member events as they held at a position. */
  async allMembers(roomNid: number, position: number): Promise<StateAt[]> {
    return (await this.#db.scan<EntryColumns>(this.#allMembers, [roomNid, position, position])).map(entry)
  }

  /** The nids of the same. */
  async memberEvents(roomNid: number, position: number): Promise<number[]> {
    const parameters = [roomNid, position, position]
    const rows = await this.#db.scan<Pick<EntryColumns, 'event_nid'>>(this.#memberEvents, parameters)
    return rows.map(row => row.event_nid)
  }

  /**
   * The first and the last thing that a point has been, as far as is known, whether or not it still holds, and how often
   * something was filled in between (`TimelineGap`).
   */
  async ends(
    roomNid: number,
    type: string,
    stateKey: string,
  ): Promise<{ oldest: StateSpan; newest: StateSpan; refills: number } | undefined> {
    type EndColumns = Omit<SpanColumns, 'valid_from'> & { valid_from: number | null }
    const point = [roomNid, type, stateKey]
    const rows = await this.#db.all<EndColumns>(this.#ends, [...point, ...point, roomNid])
    const refills = rows.find(row => row.valid_from === null)?.event_nid ?? 0
    const spans = rows.flatMap(({ valid_from, ...row }) =>
      valid_from === null ? [] : stateSpan({ ...row, valid_from }),
    )
    const [oldest, newest] = spans.sort((a, b) => a.from - b.from)
    return oldest && { oldest, newest: newest ?? oldest, refills }
  }

  /** What a point has been from a position on, oldest first. */
  async since(roomNid: number, type: string, stateKey: string, from: number): Promise<StateSpan[]> {
    return (await this.#db.all<SpanColumns>(this.#since, [roomNid, type, stateKey, from])).map(stateSpan)
  }

  /** How the states before events on forks differ in what decides about a user's sight. */
  async forks(eventNids: readonly number[], userId: string): Promise<ForkPoint[]> {
    const rows = await this.#db.all<{ event_nid: number; type: string; state_event_nid: number | null }>(
      this.#forks,
      [this.#db.list(eventNids), userId],
    )
    return rows.map(row => ({
      eventNid: row.event_nid,
      type: row.type,
      stateNid: row.state_event_nid ?? undefined,
    }))
  }

  /** For state events of the timeline: which event each took the place of, by nid. */
  async replaced(eventNids: readonly number[]): Promise<Map<number, number>> {
    if (eventNids.length === 0) return new Map()
    type Columns = { event_nid: number; replaced_nid: number }
    const rows = await listedRows<Columns>(this.#db, this.#replaced, eventNids)
    return new Map(rows.map(row => [row.event_nid, row.replaced_nid]))
  }
}
