import type { Prepared, Reader, SqlParameter, WriteStatement } from '../database.ts'

/** How far a room's history was purged. */
export interface PurgeBoundary {
  /** Nothing at or below this position is part of the timeline. */
  readonly to: number
  /** Events of a depth up to this one that were sent before the instant (ms) belong beyond the boundary. */
  readonly depth: number
  readonly before: number
}

/** A room that this server knows, whether or not anybody here is in it. */
export interface RoomRow {
  readonly nid: number
  readonly roomId: string
  readonly version: string
  /** Changed by every commit that touches the room, never to the same twice: what makes several writers safe. */
  readonly headVersion: number
  readonly isPublic: boolean
  readonly creator: string
  readonly createdTs: number
  /** When the last event was sent of those that came in the order of time (`EventTimeReader`); 0 for none. */
  readonly latestTs: number
  readonly purged?: PurgeBoundary | undefined
}

/** Events that enter a room's timeline in the order of time. */
export interface EventsInOrder {
  /** `origin_server_ts` of the last. */
  readonly latestTs: number
  /** Of the first of all; `null` where the room had such before. */
  readonly position: SqlParameter
}

/** A forward extremity: an event that no accepted event refers to yet. */
export interface Extremity {
  readonly nid: number
  readonly eventId: string
  readonly depth: number
}

interface RoomColumns {
  room_nid: number
  room_id: string
  version: string
  head_version: number
  is_public: number
  creator: string
  created_ts: number
  latest_ts: number
  purged_to: number | null
  purged_depth: number | null
  purged_before: number | null
}

const roomRow = (row: RoomColumns): RoomRow => ({
  nid: row.room_nid,
  roomId: row.room_id,
  version: row.version,
  headVersion: row.head_version,
  isPublic: row.is_public !== 0,
  creator: row.creator,
  createdTs: row.created_ts,
  latestTs: row.latest_ts,
  purged:
    row.purged_to === null
      ? undefined
      : { to: row.purged_to, depth: row.purged_depth ?? 0, before: row.purged_before ?? 0 },
})

/** Reads rooms and the ends of their event graphs. */
export class RoomReader {
  readonly #db: Reader
  readonly #byId: Prepared
  readonly #byNids: Prepared
  readonly #extremities: Prepared
  readonly #missing: Prepared
  readonly #isMissing: Prepared
  readonly #count: Prepared
  readonly #published: Prepared

  constructor(db: Reader) {
    this.#db = db
    const select = `SELECT room_nid, room_id, version, head_version, is_public, creator, created_ts,
      latest_ts, purged_to, purged_depth, purged_before FROM rooms`
    this.#byId = db.prepare(`${select} WHERE room_id = ?`)
    this.#byNids = db.prepare(`${select} WHERE ${db.dialect.inInteger('room_nid')}`)
    this.#extremities = db.prepare(
      `SELECT x.event_nid, e.event_id, e.depth FROM forward_extremities x JOIN events e ON e.event_nid = x.event_nid
       WHERE x.room_nid = ? ORDER BY e.depth DESC, e.event_id`,
    )
    this.#missing = db.prepare(
      `SELECT b.missing_event_id, e.event_id, e.depth, e.position FROM backward_extremities b
       JOIN events e ON e.event_nid = b.event_nid WHERE b.room_nid = ? ORDER BY e.depth DESC`,
    )
    this.#isMissing = db.prepare(
      `SELECT 1 AS one FROM backward_extremities b JOIN events e ON e.event_nid = b.event_nid
       WHERE b.room_nid = ? AND b.missing_event_id = ? AND e.rejected IS NULL AND e.soft_failed = 0 LIMIT 1`,
    )
    this.#count = db.prepare('SELECT COUNT(*) AS n FROM rooms')
    this.#published = db.prepare(`${select} WHERE is_public = 1 AND room_nid > ? ORDER BY room_nid LIMIT ?`)
  }

  async byId(roomId: string): Promise<RoomRow | undefined> {
    const row = await this.#db.get<RoomColumns>(this.#byId, [roomId])
    return row && roomRow(row)
  }

  async byNids(nids: readonly number[]): Promise<RoomRow[]> {
    if (nids.length === 0) return []
    return (await this.#db.all<RoomColumns>(this.#byNids, [this.#db.list(nids)])).map(roomRow)
  }

  /** The forward extremities, deepest first. */
  async extremities(roomNid: number): Promise<Extremity[]> {
    const rows = await this.#db.all<{ event_nid: number; event_id: string; depth: number }>(
      this.#extremities,
      [roomNid],
    )
    return rows.map(row => ({ nid: row.event_nid, eventId: row.event_id, depth: row.depth }))
  }

  /** Events that stored events refer to as `prev_events` but that are not here: where history stops. */
  async missingEvents(
    roomNid: number,
  ): Promise<{ missingEventId: string; eventId: string; depth: number; position: number | undefined }[]> {
    const rows = await this.#db.all<{
      missing_event_id: string
      event_id: string
      depth: number
      position: number | null
    }>(this.#missing, [roomNid])
    return rows.map(row => ({
      missingEventId: row.missing_event_id,
      eventId: row.event_id,
      depth: row.depth,
      position: row.position ?? undefined,
    }))
  }

  /** Whether an accepted event refers to this one as a `prev_event` that was not here. */
  async isMissing(roomNid: number, eventId: string): Promise<boolean> {
    return (await this.#db.get(this.#isMissing, [roomNid, eventId])) !== undefined
  }

  /** Published rooms by rising nid, after a given one. */
  async published(afterNid: number, limit: number): Promise<RoomRow[]> {
    return (await this.#db.all<RoomColumns>(this.#published, [afterNid, limit])).map(roomRow)
  }

  async count(): Promise<number> {
    return (await this.#db.get<{ n: number }>(this.#count))?.n ?? 0
  }
}

/** Builds the statements that change rooms and the ends of their event graphs. */
export class RoomWriteStatements {
  readonly #insert: Prepared
  readonly #bump: Prepared
  readonly #bumpInOrder: Prepared
  readonly #publish: Prepared
  readonly #addExtremity: Prepared
  readonly #removeExtremity: Prepared
  readonly #moveExtremity: Prepared
  readonly #addMissing: Prepared
  readonly #removeMissing: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO rooms (room_nid, room_id, version, head_version, is_public, creator, created_ts)
       VALUES (?, ?, ?, 0, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
    this.#bump = db.prepare('UPDATE rooms SET head_version = ? WHERE room_nid = ? AND head_version = ?')
    this.#bumpInOrder = db.prepare(
      `UPDATE rooms SET head_version = ?, latest_ts = ?, in_order_from = COALESCE(in_order_from, ?)
       WHERE room_nid = ? AND head_version = ?`,
    )
    this.#publish = db.prepare('UPDATE rooms SET is_public = ? WHERE room_nid = ?')
    this.#addExtremity = db.prepare(
      'INSERT INTO forward_extremities (room_nid, event_nid) VALUES (?, ?) ON CONFLICT DO NOTHING',
    )
    this.#removeExtremity = db.prepare('DELETE FROM forward_extremities WHERE room_nid = ? AND event_nid = ?')
    this.#moveExtremity = db.prepare(
      'UPDATE forward_extremities SET event_nid = ? WHERE room_nid = ? AND event_nid = ?',
    )
    this.#addMissing = db.prepare(
      'INSERT INTO backward_extremities (room_nid, missing_event_id, event_nid) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    )
    this.#removeMissing = db.prepare(
      'DELETE FROM backward_extremities WHERE room_nid = ? AND missing_event_id = ?',
    )
  }

  /** Guard `room`: the room was not there before. */
  insert(room: Omit<RoomRow, 'headVersion' | 'latestTs'>): WriteStatement {
    const { nid, roomId, version, isPublic, creator, createdTs } = room
    return {
      prepared: this.#insert,
      rows: [[nid, roomId, version, isPublic ? 1 : 0, creator, createdTs]],
      guard: { name: 'room', expected: 1 },
    }
  }

  /**
   * Puts a new head version, which nobody has used before, in the place of another; the guard `head` fails if another
   * writer was faster. (Counting would not do: what was built on a write that failed could fit one that came to pass.)
   *
   * @param inOrder the events that come with it in the order of time: when the last was sent, and where the first stands
   */
  bump(roomNid: number, from: number, to: number, inOrder?: EventsInOrder): WriteStatement {
    const guard = { name: 'head', expected: 1 }
    if (inOrder === undefined) return { prepared: this.#bump, rows: [[to, roomNid, from]], guard }
    const { latestTs, position } = inOrder
    return { prepared: this.#bumpInOrder, rows: [[to, latestTs, position, roomNid, from]], guard }
  }

  publish(roomNid: number, isPublic: boolean): WriteStatement {
    return { prepared: this.#publish, rows: [[isPublic ? 1 : 0, roomNid]] }
  }

  extremities(
    roomNid: number,
    change: { add: readonly number[]; remove: readonly number[] },
  ): WriteStatement[] {
    const [[before], [after]] = [change.remove, change.add]
    const isMove = change.remove.length === 1 && change.add.length === 1
    // Of nearly every event: it takes the place of the one before it.
    if (isMove && before !== undefined && after !== undefined)
      return [{ prepared: this.#moveExtremity, rows: [[after, roomNid, before]] }]
    return statements([
      [this.#removeExtremity, change.remove.map(nid => [roomNid, nid])],
      [this.#addExtremity, change.add.map(nid => [roomNid, nid])],
    ])
  }

  /** `add`: event IDs referred to but not here, with the referring event; `remove`: those that have come. */
  missing(
    roomNid: number,
    change: { add: readonly { eventId: string; by: number }[]; remove: readonly string[] },
  ): WriteStatement[] {
    return statements([
      [this.#removeMissing, change.remove.map(eventId => [roomNid, eventId])],
      [this.#addMissing, change.add.map(({ eventId, by }) => [roomNid, eventId, by])],
    ])
  }
}

const statements = (parts: readonly (readonly [Prepared, SqlParameter[][]])[]): WriteStatement[] =>
  parts.filter(([, rows]) => rows.length > 0).map(([prepared, rows]) => ({ prepared, rows }))
