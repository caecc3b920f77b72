import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** A room that nobody on this server is in, or wants to see. */
export interface AbandonedRoom {
  readonly roomNid: number
  readonly roomId: string
}

/** Events of a room that are to be removed, and the positions of those that have one. */
export interface EventStretch {
  readonly nids: readonly number[]
  readonly positions: readonly number[]
}

/** What there is of a room: events, their size as they are stored, and the files that nothing else shows. */
export interface RoomSize {
  readonly events: number
  readonly bytes: number
  readonly files: number
  readonly fileBytes: number
}

interface RoomColumns {
  room_nid: number
  room_id: string
}

const abandoned = (row: RoomColumns): AbandonedRoom => ({ roomNid: row.room_nid, roomId: row.room_id })

/** Finds rooms that nobody needs any longer, and what is left of those that are going. */
export class AbandonedRoomReader {
  readonly #db: Reader
  readonly #nids: Prepared
  readonly #among: Prepared
  readonly #due: Prepared
  readonly #going: Prepared
  readonly #shown: Prepared
  readonly #others: Prepared
  readonly #size: Prepared
  readonly #files: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#nids = db.prepare('SELECT room_nid FROM rooms WHERE room_nid > ? ORDER BY room_nid LIMIT ?')
    const member = 'SELECT 1 FROM memberships m WHERE m.room_nid = r.room_nid AND m.host = ?'
    // Who has deactivated their account has forgotten everything. An alias keeps a room as long as there are people in it
    // to come to; into a room that is empty everywhere nobody can come.
    this.#among = db.prepare(
      `SELECT r.room_nid, r.room_id FROM rooms r WHERE ${db.dialect.inInteger('r.room_nid')}
         AND NOT EXISTS (${member} AND m.membership IN ('join', 'invite', 'knock'))
         AND NOT EXISTS (${member} AND m.membership IN ('leave', 'ban') AND m.forgotten = 0 AND NOT EXISTS (
           SELECT 1 FROM users u WHERE u.user_id = m.user_id AND u.deactivated_ts IS NOT NULL))
         AND NOT EXISTS (SELECT 1 FROM invitation_records i
           WHERE i.room_id = r.room_id AND i.status IN ('scheduled', 'invited'))
         AND NOT (EXISTS (SELECT 1 FROM room_aliases a WHERE a.room_id = r.room_id)
           AND EXISTS (SELECT 1 FROM room_summaries s
             WHERE s.room_nid = r.room_nid AND s.joined > 0))`,
    )
    const select = 'SELECT room_nid, room_id FROM abandoned_rooms'
    this.#due = db.prepare(`${select} WHERE is_going = 0 AND since_ts <= ? ORDER BY room_nid LIMIT ?`)
    this.#going = db.prepare(`${select} WHERE is_going = 1 ORDER BY room_nid`)
    this.#shown = db.prepare(
      `SELECT event_nid, position FROM events
       WHERE room_nid = ? AND position IS NOT NULL AND rejected IS NULL AND soft_failed = 0
       ORDER BY position LIMIT ?`,
    )
    this.#others = db.prepare(
      `SELECT event_nid, position FROM events
       WHERE room_nid = ? AND (position IS NULL OR rejected IS NOT NULL OR soft_failed <> 0) LIMIT ?`,
    )
    const part = (which: string): string =>
      `SELECT COUNT(*) AS events, COALESCE(SUM(octet_length(j.json)), 0) AS bytes
       FROM events e JOIN event_json j ON j.event_nid = e.event_nid WHERE e.room_nid = ? AND ${which}`
    this.#size = db.prepare(
      `${part('e.position IS NOT NULL AND e.rejected IS NULL AND e.soft_failed = 0')}
       UNION ALL ${part('(e.position IS NULL OR e.rejected IS NOT NULL OR e.soft_failed <> 0)')}`,
    )
    const shows = (what: string): string =>
      `EXISTS (SELECT 1 FROM media_references f JOIN events e ON e.event_nid = f.event_nid
         WHERE f.origin = m.origin AND f.media_id = m.media_id AND e.room_nid ${what} ?)`
    this.#files = db.prepare(
      `SELECT COUNT(*) AS events, COALESCE(SUM(m.size), 0) AS bytes FROM media m
       WHERE m.content_hash IS NOT NULL AND ${shows('=')} AND NOT ${shows('<>')}`,
    )
  }

  /** The nids of rooms after a given one, in order. */
  async roomsAfter(nid: number, limit: number): Promise<number[]> {
    return (await this.#db.scan<{ room_nid: number }>(this.#nids, [nid, limit])).map(row => row.room_nid)
  }

  /** Those of these rooms that nobody of a server needs. */
  async among(roomNids: readonly number[], serverName: string): Promise<AbandonedRoom[]> {
    const parameters = [this.#db.list(roomNids), serverName, serverName]
    return (await this.#db.scan<RoomColumns>(this.#among, parameters)).map(abandoned)
  }

  /** Rooms that were abandoned at an instant (ms) or before. */
  async due(since: number, limit: number): Promise<AbandonedRoom[]> {
    return (await this.#db.scan<RoomColumns>(this.#due, [since, limit])).map(abandoned)
  }

  /** Rooms that are removed, some of whose events may still be there. */
  async going(): Promise<AbandonedRoom[]> {
    return (await this.#db.scan<RoomColumns>(this.#going)).map(abandoned)
  }

  /** What there is of a room. */
  async size(roomNid: number): Promise<RoomSize> {
    type Columns = { events: number; bytes: number }
    const parts = await this.#db.scan<Columns>(this.#size, [roomNid, roomNid])
    const [files] = await this.#db.scan<Columns>(this.#files, [roomNid, roomNid])
    const sum = (of: 'events' | 'bytes'): number => parts.reduce((all, part) => all + Number(part[of]), 0)
    return {
      events: sum('events'),
      bytes: sum('bytes'),
      files: Number(files?.events ?? 0),
      fileBytes: Number(files?.bytes ?? 0),
    }
  }

  /** Some of the events of a room. */
  async events(roomNid: number, limit: number): Promise<EventStretch> {
    type Columns = { event_nid: number; position: number | null }
    const shown = await this.#db.scan<Columns>(this.#shown, [roomNid, limit])
    const rows = shown.length > 0 ? shown : await this.#db.scan<Columns>(this.#others, [roomNid, limit])
    return {
      nids: rows.map(row => row.event_nid),
      positions: rows.flatMap(row => row.position ?? []),
    }
  }
}

/** What is kept by room, beside the events. Others of its tables expire by themselves. */
const BY_ROOM = [
  'rooms',
  'room_summaries',
  'room_state',
  'memberships',
  'forward_extremities',
  'backward_extremities',
  'timeline_gaps',
  'receipts',
  'threads',
  'thread_subscriptions',
  'partial_rooms',
  'unfinished_stays',
  'federation_destination_rooms',
  'app_service_rooms',
  'group_actions',
  'group_members',
] as const

/** What is kept by event. */
const BY_EVENT = [
  'event_json',
  'event_auth',
  'event_state_delta',
  'events_awaiting_auth',
  'sticky_events',
  'relations',
  'relayed_events',
  'events',
] as const

/** Builds the statements that remove rooms. */
export class AbandonedRoomWriter {
  readonly #db: Reader
  readonly #mark: Prepared
  readonly #unmark: Prepared
  readonly #go: Prepared
  readonly #gone: Prepared
  readonly #aliases: Prepared
  readonly #direct: Prepared
  readonly #byRoom: readonly Prepared[]
  readonly #byEvent: readonly Prepared[]
  readonly #redactions: Prepared
  readonly #pushActions: Prepared

  constructor(db: Reader) {
    this.#db = db
    const { inInteger } = db.dialect
    this.#mark = db.prepare(
      `INSERT INTO abandoned_rooms (room_nid, room_id, since_ts, is_going) VALUES (?, ?, ?, 0) ON CONFLICT DO NOTHING`,
    )
    this.#unmark = db.prepare(
      `DELETE FROM abandoned_rooms WHERE room_nid > ? AND room_nid <= ? AND is_going = 0
       AND NOT (${inInteger('room_nid')})`,
    )
    this.#go = db.prepare('UPDATE abandoned_rooms SET is_going = 1 WHERE room_nid = ?')
    this.#gone = db.prepare('DELETE FROM abandoned_rooms WHERE room_nid = ?')
    this.#aliases = db.prepare('DELETE FROM room_aliases WHERE room_id = ?')
    this.#direct = db.prepare('DELETE FROM direct_rooms WHERE room_id = ?')
    this.#byRoom = BY_ROOM.map(table => db.prepare(`DELETE FROM ${table} WHERE room_nid = ?`))
    this.#byEvent = BY_EVENT.map(table => db.prepare(`DELETE FROM ${table} WHERE ${inInteger('event_nid')}`))
    this.#redactions = db.prepare(`DELETE FROM redactions WHERE ${inInteger('redaction_nid')}`)
    this.#pushActions = db.prepare(`DELETE FROM push_actions WHERE ${inInteger('position')}`)
  }

  /** Of the rooms with nids in a span (exclusive, inclusive) exactly these are abandoned, as is known now. */
  mark(
    rooms: readonly AbandonedRoom[],
    span: { after: number; upTo: number },
    now: number,
  ): WriteStatement[] {
    const nids = this.#db.list(rooms.map(room => room.roomNid))
    return [
      { prepared: this.#unmark, rows: [[span.after, span.upTo, nids]] },
      ...(rooms.length === 0
        ? []
        : [{ prepared: this.#mark, rows: rooms.map(room => [room.roomNid, room.roomId, now]) }]),
    ]
  }

  /** One room is to go, whatever is known. */
  markOne({ roomNid, roomId }: AbandonedRoom, now: number): WriteStatement {
    return { prepared: this.#mark, rows: [[roomNid, roomId, now]] }
  }

  /** The room is none any longer; its aliases are free. Its events are still there. */
  remove({ roomNid, roomId }: AbandonedRoom): WriteStatement[] {
    return [
      { prepared: this.#go, rows: [[roomNid]], guard: { name: 'abandoned', expected: 1 } },
      { prepared: this.#aliases, rows: [[roomId]] },
      { prepared: this.#direct, rows: [[roomId]] },
      ...this.#byRoom.map(prepared => ({ prepared, rows: [[roomNid]] })),
    ]
  }

  /** Removes events. */
  removeEvents({ nids, positions }: EventStretch): WriteStatement[] {
    const rows = [[this.#db.list(nids)]]
    return [
      ...[this.#redactions, ...this.#byEvent].map(prepared => ({ prepared, rows })),
      { prepared: this.#pushActions, rows: [[this.#db.list(positions)]] },
    ]
  }

  /** Nothing is left. */
  gone(roomNid: number): WriteStatement {
    return { prepared: this.#gone, rows: [[roomNid]] }
  }
}
