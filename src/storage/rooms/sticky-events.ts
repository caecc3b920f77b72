import type { Prepared, Reader, SqlParameter, WriteStatement } from '../database.ts'
import type { OutgoingRow, PendingRoom } from '../federation/outbox-reader.ts'

/** A sticky event as it enters this server (MSC4354). Instants are milliseconds since 1970. */
export interface NewStickyEvent {
  readonly nid: number
  readonly roomNid: number
  readonly sender: string
  /** Sent by a user of this server. */
  readonly isOwn: boolean
  /** Where clients are told of it, on the axis of the events. */
  readonly position: SqlParameter
  readonly expiresTs: number
}

/** A sticky event that clients may be told of. */
export interface ToldStickyEvent {
  readonly nid: number
  readonly position: number
}

/** A room with sticky events: where the newest stands, and when the last of them runs out. */
export interface StickyRoom {
  readonly newest: number
  readonly expiresTs: number
}

/** Reads sticky events. */
export class StickyEventReader {
  readonly #db: Reader
  readonly #rooms: Prepared
  readonly #told: Prepared
  readonly #expiry: Prepared
  readonly #softFailed: Prepared
  readonly #own: Prepared
  readonly #ownSpan: Prepared
  readonly #live = new Map<number, StickyRoom>()
  /** How far the stream of sticky events is known in `#live`. */
  #known = 0
  #reading: Promise<void> | undefined

  constructor(db: Reader) {
    this.#db = db
    const { inInteger } = db.dialect
    const shown = 'e.rejected IS NULL AND e.soft_failed = 0 AND e.redacted_by IS NULL'
    const joined = 'FROM sticky_events s JOIN events e ON e.event_nid = s.event_nid'
    const own = `s.room_nid = ? AND s.is_own = 1 AND s.expires_ts > ? AND e.position IS NOT NULL AND ${shown}`
    this.#rooms = db.prepare(
      `SELECT room_nid, MAX(position) AS newest, MAX(expires_ts) AS expires FROM sticky_events
       WHERE stream_position > ? AND stream_position <= ? GROUP BY room_nid`,
    )
    this.#told = db.prepare(
      `SELECT s.event_nid AS nid, s.position ${joined}
       WHERE ${inInteger('s.room_nid')} AND s.position > ? AND s.position <= ? AND s.expires_ts > ? AND ${shown}
       ORDER BY s.position, s.event_nid LIMIT ?`,
    )
    this.#expiry = db.prepare(
      `SELECT event_nid AS nid, expires_ts AS "expiresTs" FROM sticky_events WHERE ${inInteger('event_nid')}`,
    )
    this.#softFailed = db.prepare(
      `SELECT s.event_nid AS nid, s.sender ${joined}
       WHERE s.room_nid = ? AND s.expires_ts > ? AND e.soft_failed = 1 AND e.rejected IS NULL
       ORDER BY s.position, s.event_nid LIMIT ?`,
    )
    this.#own = db.prepare(
      `SELECT e.event_nid AS nid, e.room_nid AS "roomNid", e.position, e.sender ${joined}
       WHERE ${own} AND e.position >= ? AND e.position <= ? ORDER BY e.position LIMIT ?`,
    )
    this.#ownSpan = db.prepare(
      `SELECT MIN(e.position) AS since, MAX(e.position) AS newest ${joined} WHERE ${own}`,
    )
  }

  /** What `live` answers, where nothing has to be read for it. */
  known(): ReadonlyMap<number, StickyRoom> | undefined {
    return this.#known < this.#db.position('sticky_events') ? undefined : this.#live
  }

  /**
   * The rooms with sticky events that have not run out, by nid. From memory: the database is asked only after a sticky
   * event has been stored, by whichever process.
   */
  async live(now: number): Promise<ReadonlyMap<number, StickyRoom>> {
    while (this.#known < this.#db.position('sticky_events')) {
      this.#reading ??= this.#readOn(now).finally(() => {
        this.#reading = undefined
      })
      await this.#reading
    }
    return this.#live
  }

  /** Sticky events of rooms after one position up to another that have not run out, oldest first. */
  async told(
    roomNids: readonly number[],
    { after, upTo, now, limit }: { after: number; upTo: number; now: number; limit: number },
  ): Promise<ToldStickyEvent[]> {
    return this.#db.scan<ToldStickyEvent>(this.#told, [this.#db.list(roomNids), after, upTo, now, limit])
  }

  /** When those of these events that are sticky run out, by nid. */
  async expiry(nids: readonly number[]): Promise<Map<number, number>> {
    const rows = await this.#db.all<{ nid: number; expiresTs: number }>(this.#expiry, [this.#db.list(nids)])
    return new Map(rows.map(row => [row.nid, row.expiresTs]))
  }

  /** Sticky events of a room that were soft-failed and have not run out, oldest first. */
  async softFailed(roomNid: number, now: number, limit: number): Promise<{ nid: number; sender: string }[]> {
    return this.#db.scan<{ nid: number; sender: string }>(this.#softFailed, [roomNid, now, limit])
  }

  /** Sticky events of a part of a room that users of this server have sent and that have not run out, oldest first. */
  async own({ roomNid, since, newest }: PendingRoom, now: number, limit: number): Promise<OutgoingRow[]> {
    return this.#db.scan<OutgoingRow>(this.#own, [roomNid, now, since, newest, limit])
  }

  /** From where to where in a room there are such. */
  async ownSpan(roomNid: number, now: number): Promise<PendingRoom | undefined> {
    type Columns = { since: number | null; newest: number | null }
    const row = await this.#db.get<Columns>(this.#ownSpan, [roomNid, now])
    return row?.since == null || row.newest === null
      ? undefined
      : { roomNid, since: row.since, newest: row.newest }
  }

  async #readOn(now: number): Promise<void> {
    const [after, upTo] = [this.#known, this.#db.position('sticky_events')]
    type Columns = { room_nid: number; newest: number; expires: number }
    for (const [roomNid, { expiresTs }] of this.#live) if (expiresTs <= now) this.#live.delete(roomNid)
    for (const row of await this.#db.scan<Columns>(this.#rooms, [after, upTo])) {
      const before = this.#live.get(row.room_nid)
      this.#live.set(row.room_nid, {
        newest: Math.max(row.newest, before?.newest ?? 0),
        expiresTs: Math.max(row.expires, before?.expiresTs ?? 0),
      })
    }
    this.#known = upTo
  }
}

/** Builds the statements that change sticky events. */
export class StickyEventWriter {
  readonly #insert: Prepared
  readonly #expire: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO sticky_events (event_nid, room_nid, sender, is_own, position, expires_ts, stream_position)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (event_nid) DO UPDATE SET position = excluded.position, stream_position = excluded.stream_position`,
    )
    this.#expire = db.prepare('DELETE FROM sticky_events WHERE expires_ts <= ?')
  }

  /**
   * Keeps sticky events until they run out, and removes those that have. One that is there already (it was soft-failed, or
   * known only as state) runs out when it would have, but is told from its new position. The events of a write set are
   * counted from `offset`.
   */
  insert(events: readonly NewStickyEvent[], now: number, offset = 0): WriteStatement[] {
    if (events.length === 0) return []
    const rows = events.map(({ nid, roomNid, sender, isOwn, position, expiresTs }, index) => [
      ...[nid, roomNid, sender, isOwn ? 1 : 0, position, expiresTs],
      { stream: 'sticky_events', offset: offset + index } as const,
    ])
    return [
      { prepared: this.#expire, rows: [[now]] },
      { prepared: this.#insert, rows },
    ]
  }
}
