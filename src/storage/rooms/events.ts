import type { SignEvent } from '../../core/event/builder.ts'
import type { Prepared, Reader, SqlValue } from '../database.ts'
import { listedRows } from '../listed-rows.ts'
import { EventCache } from './event-cache.ts'
import { SharedReads } from './shared-reads.ts'
import { type EventRow, SELECT_EVENTS, type StoredEvent, storedEvent } from './stored-event.ts'

export type { StoredEvent } from './stored-event.ts'

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
  readonly #cache: EventCache
  readonly #sign: SignEvent | undefined
  /** Reads under way. */
  readonly #loading = new SharedReads<number, StoredEvent>()
  readonly #selectNids: Prepared
  readonly #selectIds: Prepared
  readonly #backwards: Prepared
  readonly #forwards: Prepared
  readonly #newestBefore: Prepared
  readonly #ofSender: Prepared
  readonly #nids: Prepared
  readonly #ids: Prepared
  readonly #accepted: Prepared

  /** @param sign for who hands events on to other servers */
  constructor(db: Reader, cache = new EventCache(), sign?: SignEvent) {
    this.#db = db
    this.#cache = cache
    this.#sign = sign
    this.#selectNids = db.prepare(`${SELECT_EVENTS} WHERE ${db.dialect.inInteger('e.event_nid')}`)
    this.#selectIds = db.prepare(`${SELECT_EVENTS} WHERE ${db.dialect.inText('e.event_id')}`)
    this.#nids = db.prepare(`SELECT event_nid, event_id FROM events WHERE ${db.dialect.inText('event_id')}`)
    this.#ids = db.prepare(`SELECT event_id FROM events WHERE ${db.dialect.inInteger('event_nid')}`)
    this.#accepted = db.prepare(
      `SELECT event_nid FROM events WHERE ${db.dialect.inInteger('event_nid')} AND rejected IS NULL`,
    )
    const range = `WHERE e.room_nid = ? AND e.position > ? AND e.position <= ? AND ${SHOWN}`
    this.#backwards = db.prepare(`SELECT e.event_nid FROM events e ${range} ORDER BY e.position DESC LIMIT ?`)
    this.#forwards = db.prepare(`SELECT e.event_nid FROM events e ${range} ORDER BY e.position LIMIT ?`)
    this.#ofSender = db.prepare(
      `SELECT e.event_nid FROM events e WHERE e.room_nid = ? AND e.position > ? AND ${SHOWN}
       AND e.sender = ? AND e.redacted_by IS NULL ORDER BY e.position DESC LIMIT ?`,
    )
    this.#newestBefore = db.prepare(
      `SELECT e.event_nid FROM events e WHERE e.room_nid = ? AND e.position <= ? AND ${SHOWN}
       ORDER BY e.position DESC LIMIT 1`,
    )
  }

  /** The events with these nids, those that exist, in the order asked for. */
  async byNids(nids: readonly number[]): Promise<StoredEvent[]> {
    return this.kept(nids) ?? this.#partlyCached(nids)
  }

  /** The same, if nothing has to be read for it. */
  kept(nids: readonly number[]): StoredEvent[] | undefined {
    const kept: StoredEvent[] = []
    for (const nid of nids) {
      const stored = this.#cache.get(nid)
      if (stored === undefined || this.#cache.mayLackPosition(stored)) return undefined
      kept.push(stored)
    }
    return kept
  }

  async #partlyCached(nids: readonly number[]): Promise<StoredEvent[]> {
    const found = new Map<number, StoredEvent>()
    const missing: number[] = []
    for (const nid of nids) {
      const stored = this.#cache.get(nid)
      if (stored !== undefined) found.set(nid, stored)
      if (stored === undefined || this.#cache.mayLackPosition(stored)) missing.push(nid)
    }
    if (missing.length > 0) {
      // What is loaded may push out of the cache what was found there.
      const load = (some: readonly number[]) => this.#load(this.#selectNids, some)
      const edition = `${this.#cache.now} ${this.#db.position('events')}`
      for (const stored of await this.#loading.all(missing, edition, load)) found.set(stored.nid, stored)
    }
    return nids.flatMap(nid => found.get(nid) ?? [])
  }

  /** The events with these IDs, those that are stored, by event ID. */
  async byIds(eventIds: readonly string[]): Promise<Map<string, StoredEvent>> {
    const found = new Map<string, StoredEvent>()
    const missing: string[] = []
    for (const eventId of eventIds) {
      const stored = this.#cache.byId(eventId)
      if (stored !== undefined) found.set(eventId, stored)
      if (stored === undefined || this.#cache.mayLackPosition(stored)) missing.push(eventId)
    }
    if (missing.length > 0) {
      for (const stored of await this.#load(this.#selectIds, missing)) found.set(stored.event.eventId, stored)
    }
    return found
  }

  /**
   * What redactions aim at, as far as it is stored, by event ID: as it stands now. Whoever follows redactions may be faster
   * than the one who wrote them and has not called `forget` yet, or that one is another process.
   */
  async targetsOf(redactions: readonly Pick<StoredEvent, 'event'>[]): Promise<Map<string, StoredEvent>> {
    const eventIds = redactions.flatMap(({ event }) => event.redacts ?? [])
    this.forget([...(await this.nidsOf(eventIds)).values()])
    return this.byIds(eventIds)
  }

  /** Those of some events that are stored and not rejected. */
  async acceptedOf(nids: readonly number[]): Promise<Set<number>> {
    if (nids.length === 0) return new Set()
    const rows = await listedRows<{ event_nid: number }>(this.#db, this.#accepted, nids)
    return new Set(rows.map(row => row.event_nid))
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
      const nid = this.#cache.nidOf(eventId)
      if (nid === undefined) missing.push(eventId)
      else found.set(eventId, nid)
    }
    if (missing.length > 0) {
      const rows = await listedRows<{ event_nid: number; event_id: string }>(this.#db, this.#nids, missing)
      for (const row of rows) {
        found.set(row.event_id, row.event_nid)
        this.#cache.learn(row.event_id, row.event_nid)
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

  /** What somebody has sent into a room after a position and what is not redacted, newest first. */
  async ofSender(
    sender: string,
    { roomNid, after, limit }: Omit<TimelineRange, 'upTo'>,
  ): Promise<StoredEvent[]> {
    const parameters = [roomNid, after, sender, limit]
    const rows = await this.#db.scan<{ event_nid: number }>(this.#ofSender, parameters)
    return this.byNids(rows.map(row => row.event_nid))
  }

  /** The newest shown event at or before a position. */
  async newestAt(roomNid: number, position: number): Promise<StoredEvent | undefined> {
    const row = await this.#db.get<{ event_nid: number }>(this.#newestBefore, [roomNid, position])
    return row === undefined ? undefined : (await this.byNids([row.event_nid]))[0]
  }

  /** The IDs of events, in no order, without loading any of them. */
  async idsOf(nids: readonly number[]): Promise<string[]> {
    const rows = await listedRows<{ event_id: string }>(this.#db, this.#ids, nids)
    return rows.map(row => row.event_id)
  }

  /** Whether a room's state that is about to be read is to be kept, rather than only passed on (`PassingEvents`). */
  admitsState(): boolean {
    return this.#cache.admitsState()
  }

  /** Puts an event that has just been written into the cache; `isNew`: it was not there before in any form. */
  remember(stored: StoredEvent, isNew = false): void {
    this.#cache.put(stored, isNew)
  }

  /** Completes what is cached of an event by its position, once its commit has given it one. */
  place(nid: number, position: number): void {
    this.#cache.place(nid, position)
  }

  /** Drops events from the cache, after something about them was written (or failed to be). */
  forget(nids: readonly number[]): void {
    this.#cache.drop(nids)
  }

  /** Drops what is cached of what somebody has sent into a room: all of it may have been redacted, perhaps by another process. */
  forgetOf(sender: string, roomNid: number): void {
    this.#cache.drop(this.#cache.ofSender(sender, roomNid))
  }

  /** Drops what is cached of a room up to a position: it was purged, perhaps by another process. */
  forgetUpTo(roomNid: number, position: number): void {
    this.#cache.drop(this.#cache.upTo(roomNid, position))
  }

  /** Says that a room is here under this nid; what is cached of it from before it was removed, perhaps by another process, is dropped. */
  roomIs(roomId: string, roomNid: number): void {
    this.#cache.roomIs(roomId, roomNid)
  }

  async #page(prepared: Prepared, range: TimelineRange): Promise<StoredEvent[]> {
    const parameters: SqlValue[] = [range.roomNid, range.after, range.upTo, range.limit]
    const rows = await this.#db.all<{ event_nid: number }>(prepared, parameters)
    return this.byNids(rows.map(row => row.event_nid))
  }

  async #load(prepared: Prepared, keys: readonly (string | number)[]): Promise<StoredEvent[]> {
    const before = this.#cache.now
    const rows = await listedRows<EventRow>(this.#db, prepared, keys)
    return rows.map(row => this.#cache.putAsOf(before, storedEvent(row, this.#sign), rows.length))
  }
}
