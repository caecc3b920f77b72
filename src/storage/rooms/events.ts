import { LRUCache } from 'lru-cache'
import type { RoomEvent } from '../../core/event/event.ts'
import { trustedEvent } from '../../core/event/format.ts'
import type { JsonObject } from '../../core/json.ts'
import { roomVersion } from '../../core/room-versions.ts'
import type { Prepared, Reader, SqlList, SqlParameter, SqlValue, WriteStatement } from '../database.ts'

/** An event as stored: the event itself and what this server has concluded about it. */
export interface StoredEvent {
  readonly nid: number
  readonly roomNid: number
  /**
   * Where the event stands in the room's timeline on this server: positive in order of arrival, negative for
   * history fetched later, `undefined` for outliers (known only as somebody's auth event or as an invitation).
   */
  readonly position: number | undefined
  readonly rejected: string | undefined
  readonly softFailed: boolean
  /** The nid of the redaction that was applied to it. */
  readonly redactedBy: number | undefined
  readonly event: RoomEvent
}

interface EventRow {
  event_nid: number
  room_nid: number
  position: number | null
  rejected: string | null
  soft_failed: number
  redacted_by: number | null
  event_id: string
  version: string
  json: string
}

const SELECT = `SELECT e.event_nid, e.room_nid, e.position, e.rejected, e.soft_failed, e.redacted_by, e.event_id,
  r.version, j.json
  FROM events e JOIN event_json j ON j.event_nid = e.event_nid JOIN rooms r ON r.room_nid = e.room_nid`

/** Only what clients and other servers may be shown as part of the timeline. */
const SHOWN = 'e.rejected IS NULL AND e.soft_failed = 0'

/** Which part of a room's timeline is asked for. Positions are exclusive at `after` and inclusive at `upTo`. */
export interface TimelineRange {
  readonly roomNid: number
  readonly after: number
  readonly upTo: number
  readonly limit: number
}

/**
 * Reads events. Loaded events are cached by nid and by event ID: an event never changes, and what this server
 * concludes about it changes only through `EventWriter`, whose callers call `forget` after the commit.
 */
export class EventReader {
  readonly #db: Reader
  readonly #byNid: LRUCache<number, StoredEvent>
  readonly #nidOf: LRUCache<string, number>
  readonly #selectNids: Prepared
  readonly #selectIds: Prepared
  readonly #backwards: Prepared
  readonly #forwards: Prepared
  readonly #newestBefore: Prepared
  readonly #nids: Prepared
  readonly #authChain: Prepared

  constructor(db: Reader, options: { cacheSize?: number } = {}) {
    this.#db = db
    const max = options.cacheSize ?? 20_000
    this.#byNid = new LRUCache({ max })
    this.#nidOf = new LRUCache({ max })
    this.#selectNids = db.prepare(`${SELECT} WHERE ${db.dialect.inInteger('e.event_nid')}`)
    this.#selectIds = db.prepare(`${SELECT} WHERE ${db.dialect.inText('e.event_id')}`)
    this.#nids = db.prepare(`SELECT event_nid, event_id FROM events WHERE ${db.dialect.inText('event_id')}`)
    this.#authChain = db.prepare(
      `WITH RECURSIVE chain (auth_nid) AS (
         SELECT auth_nid FROM event_auth WHERE ${db.dialect.inInteger('event_nid')}
         UNION
         SELECT a.auth_nid FROM chain c JOIN event_auth a ON a.event_nid = c.auth_nid
       ) SELECT auth_nid FROM chain`,
    )
    const range = `WHERE e.room_nid = ? AND e.position > ? AND e.position <= ? AND ${SHOWN}`
    this.#backwards = db.prepare(`SELECT e.event_nid FROM events e ${range} ORDER BY e.position DESC LIMIT ?`)
    this.#forwards = db.prepare(`SELECT e.event_nid FROM events e ${range} ORDER BY e.position LIMIT ?`)
    this.#newestBefore = db.prepare(
      `SELECT e.event_nid FROM events e WHERE e.room_nid = ? AND e.position <= ? AND ${SHOWN}
       ORDER BY e.position DESC LIMIT 1`,
    )
  }

  /** The events with these nids, those that exist, in the order asked for. */
  async byNids(nids: readonly number[]): Promise<StoredEvent[]> {
    const missing = nids.filter(nid => !this.#byNid.has(nid))
    const fresh = new Map<number, StoredEvent>()
    if (missing.length > 0) {
      for (const stored of await this.#load(this.#selectNids, missing)) fresh.set(stored.nid, stored)
    }
    return nids.flatMap(nid => fresh.get(nid) ?? this.#byNid.get(nid) ?? [])
  }

  /** The events with these IDs, those that are stored, by event ID. */
  async byIds(eventIds: readonly string[]): Promise<Map<string, StoredEvent>> {
    const found = new Map<string, StoredEvent>()
    const missing: string[] = []
    for (const eventId of eventIds) {
      const nid = this.#nidOf.get(eventId)
      const stored = nid === undefined ? undefined : this.#byNid.get(nid)
      if (stored === undefined) missing.push(eventId)
      else found.set(eventId, stored)
    }
    if (missing.length > 0) {
      for (const stored of await this.#load(this.#selectIds, missing)) found.set(stored.event.eventId, stored)
    }
    return found
  }

  /** One event by its ID. */
  async byId(eventId: string): Promise<StoredEvent | undefined> {
    return (await this.byIds([eventId])).get(eventId)
  }

  /** The nids of those event IDs that are stored, without loading the events. */
  async nidsOf(eventIds: readonly string[]): Promise<Map<string, number>> {
    const found = new Map<string, number>()
    const missing: string[] = []
    for (const eventId of eventIds) {
      const nid = this.#nidOf.get(eventId)
      if (nid === undefined) missing.push(eventId)
      else found.set(eventId, nid)
    }
    if (missing.length > 0) {
      const rows = await this.#db.all<{ event_nid: number; event_id: string }>(this.#nids, [
        this.#db.list(missing),
      ])
      for (const row of rows) {
        found.set(row.event_id, row.event_nid)
        this.#nidOf.set(row.event_id, row.event_nid)
      }
    }
    return found
  }

  /** The newest events of a range, newest first. */
  backwards(range: TimelineRange): Promise<StoredEvent[]> {
    return this.#page(this.#backwards, range)
  }

  /** The oldest events of a range, oldest first. */
  forwards(range: TimelineRange): Promise<StoredEvent[]> {
    return this.#page(this.#forwards, range)
  }

  /** The newest shown event at or before a position. */
  async newestAt(roomNid: number, position: number): Promise<StoredEvent | undefined> {
    const row = await this.#db.get<{ event_nid: number }>(this.#newestBefore, [roomNid, position])
    return row === undefined ? undefined : (await this.byNids([row.event_nid]))[0]
  }

  /** The auth chain of events, without the events themselves unless they are in each other's chain: nids. */
  async authChain(nids: readonly number[]): Promise<number[]> {
    const rows = await this.#db.scan<{ auth_nid: number }>(this.#authChain, [this.#db.list(nids)])
    return rows.map(row => row.auth_nid)
  }

  /** Puts an event that has just been written into the cache. */
  remember(stored: StoredEvent): void {
    this.#byNid.set(stored.nid, stored)
    this.#nidOf.set(stored.event.eventId, stored.nid)
  }

  /** Drops events from the cache, after something about them was written (or failed to be). */
  forget(nids: readonly number[]): void {
    for (const nid of nids) {
      const stored = this.#byNid.get(nid)
      if (stored !== undefined) this.#nidOf.delete(stored.event.eventId)
      this.#byNid.delete(nid)
    }
  }

  async #page(prepared: Prepared, range: TimelineRange): Promise<StoredEvent[]> {
    const parameters: SqlValue[] = [range.roomNid, range.after, range.upTo, range.limit]
    const rows = await this.#db.all<{ event_nid: number }>(prepared, parameters)
    return this.byNids(rows.map(row => row.event_nid))
  }

  async #load(prepared: Prepared, keys: readonly (string | number)[]): Promise<StoredEvent[]> {
    const parameters: SqlList[] = [this.#db.list(keys)]
    const read = keys.length > 100 ? this.#db.scan.bind(this.#db) : this.#db.all.bind(this.#db)
    const loaded = (await read<EventRow>(prepared, parameters)).map(storedEvent)
    for (const stored of loaded) this.remember(stored)
    return loaded
  }
}

const storedEvent = (row: EventRow): StoredEvent => {
  const version = roomVersion(row.version)
  if (version === undefined)
    throw new Error(`stored event ${row.event_id} has unknown room version ${row.version}`)
  return {
    nid: row.event_nid,
    roomNid: row.room_nid,
    position: row.position ?? undefined,
    rejected: row.rejected ?? undefined,
    softFailed: row.soft_failed !== 0,
    redactedBy: row.redacted_by ?? undefined,
    event: trustedEvent(JSON.parse(row.json) as JsonObject, row.event_id, version),
  }
}

/** An event to be stored. `position` is a placeholder for events of the timeline, `null` for outliers. */
export interface NewEvent {
  readonly nid: number
  readonly roomNid: number
  readonly position: SqlParameter
  readonly rejected?: string | undefined
  readonly softFailed?: boolean
  readonly event: RoomEvent
  /** The canonical text of `event.pdu`, where the caller has it already. */
  readonly json: string
  readonly authNids: readonly number[]
}

/** Builds the statements that store events. */
export class EventWriter {
  readonly #insert: Prepared
  readonly #insertJson: Prepared
  readonly #insertAuth: Prepared
  readonly #place: Prepared
  readonly #setRedacted: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO events (event_nid, event_id, room_nid, position, type, state_key, sender, depth,
         origin_server_ts, rejected, soft_failed)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#insertJson = db.prepare('INSERT INTO event_json (event_nid, json) VALUES (?, ?)')
    this.#insertAuth = db.prepare('INSERT INTO event_auth (event_nid, auth_nid) VALUES (?, ?)')
    this.#place = db.prepare(
      'UPDATE events SET position = ?, rejected = ?, soft_failed = ? WHERE event_nid = ?',
    )
    this.#setRedacted = db.prepare('UPDATE events SET redacted_by = ? WHERE event_nid = ?')
  }

  /** Stores events with their JSON and their auth edges. */
  insert(events: readonly NewEvent[]): WriteStatement[] {
    const auth = events.flatMap(({ nid, authNids }) => authNids.map(authNid => [nid, authNid]))
    return [
      { prepared: this.#insert, rows: events.map(eventColumns) },
      { prepared: this.#insertJson, rows: events.map(({ nid, json }) => [nid, json]) },
      ...(auth.length > 0 ? [{ prepared: this.#insertAuth, rows: auth }] : []),
    ]
  }

  /** Gives an outlier its place in the timeline, once it arrives as an event of the room. */
  place(
    nid: number,
    position: SqlParameter,
    rejected: string | undefined,
    softFailed: boolean,
  ): WriteStatement {
    return { prepared: this.#place, rows: [[position, rejected ?? null, softFailed ? 1 : 0, nid]] }
  }

  /** Marks events as redacted by the given redaction. */
  redacted(nids: readonly number[], by: number): WriteStatement {
    return { prepared: this.#setRedacted, rows: nids.map(nid => [by, nid]) }
  }
}

const eventColumns = ({ nid, roomNid, position, rejected, softFailed, event }: NewEvent): SqlParameter[] => [
  nid,
  event.eventId,
  roomNid,
  position,
  event.type,
  event.stateKey ?? null,
  event.sender,
  event.depth,
  event.originServerTs,
  rejected ?? null,
  softFailed === true ? 1 : 0,
]
