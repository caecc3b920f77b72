import type { Prepared, Reader } from '../database.ts'

/** An event of a room's timeline, as a purge looks at it. */
export interface PurgeCandidate {
  readonly nid: number
  readonly position: number
  readonly type: string
  readonly sender: string
  readonly isState: boolean
  readonly depth: number
  readonly ts: number
  /** Of the event as it is stored. */
  readonly bytes: number
}

/** What a purge takes away, or would. */
export interface PurgeSize {
  readonly events: number
  readonly bytes: number
}

/** A reply in a thread that is purged. */
export interface PurgedReply {
  readonly nid: number
  readonly parentId: string
}

/**
 * What other events are authorised by (server-server API, "Auth events selection") and so has to stay, whatever its age.
 */
const AUTH_TYPES = `('m.room.create', 'm.room.member', 'm.room.power_levels', 'm.room.join_rules',
  'm.room.third_party_invite')`

interface CandidateColumns {
  event_nid: number
  position: number
  type: string
  sender: string
  is_state: number
  depth: number
  origin_server_ts: number
  bytes: number
}

/** Finds what the purge of a room's history takes away. Positions are inclusive. */
export class PurgeReader {
  readonly #db: Reader
  readonly #oldest: Prepared
  readonly #lowestEnd: Prepared
  readonly #ended: Prepared
  readonly #held: Prepared
  readonly #replies: Prepared
  readonly #hidden: Prepared
  readonly #rules: Prepared
  readonly #files: Prepared

  constructor(db: Reader) {
    this.#db = db
    const { inInteger } = db.dialect
    this.#oldest = db.prepare(
      `SELECT e.event_nid, e.position, e.type, e.sender, CASE WHEN e.state_key IS NULL THEN 0 ELSE 1 END AS is_state,
         e.depth, e.origin_server_ts, octet_length(j.json) AS bytes
       FROM events e JOIN event_json j ON j.event_nid = e.event_nid
       WHERE e.room_nid = ? AND e.position > ? AND e.position IS NOT NULL AND e.rejected IS NULL AND e.soft_failed = 0
       ORDER BY e.position LIMIT ?`,
    )
    this.#lowestEnd = db.prepare(
      `SELECT MIN(e.position) AS position, MIN(e.depth) AS depth FROM forward_extremities x
       JOIN events e ON e.event_nid = x.event_nid WHERE x.room_nid = ?`,
    )
    this.#ended = db.prepare(
      `SELECT DISTINCT s.event_nid FROM room_state s JOIN events e ON e.event_nid = s.event_nid
       WHERE s.room_nid = ? AND s.valid_to IS NOT NULL AND s.valid_to <= ? AND s.type NOT IN ${AUTH_TYPES}
         AND (e.position IS NULL OR e.position <= ?)`,
    )
    const isState = `EXISTS (SELECT 1 FROM room_state s
           WHERE s.room_nid = e.room_nid AND s.type = e.type AND s.state_key = e.state_key
             AND s.event_nid = e.event_nid AND (s.valid_to IS NULL OR s.valid_to > ?))
         OR EXISTS (SELECT 1 FROM event_state_delta d JOIN events x ON x.event_nid = d.event_nid
           WHERE d.state_event_nid = e.event_nid AND x.position > ?)`
    this.#held = db.prepare(
      `SELECT e.event_nid FROM events e WHERE ${inInteger('e.event_nid')} AND (e.type IN ${AUTH_TYPES} OR ${isState})`,
    )
    this.#replies = db.prepare(
      `SELECT event_nid AS nid, parent_id AS "parentId" FROM relations
       WHERE ${inInteger('event_nid')} AND rel_type = 'm.thread'`,
    )
    this.#hidden = db.prepare(
      `SELECT e.event_nid, e.position FROM events e
       WHERE e.room_nid = ? AND (e.position IS NULL OR e.rejected IS NOT NULL OR e.soft_failed <> 0)
         AND e.position IS NOT NULL AND e.position <= ?
         AND (e.state_key IS NULL OR NOT (e.type IN ${AUTH_TYPES} OR ${isState})) LIMIT ?`,
    )
    this.#rules = db.prepare(
      `SELECT r.room_nid AS "roomNid", r.room_id AS "roomId", j.json AS rule FROM rooms r
       LEFT JOIN room_state s ON s.room_nid = r.room_nid AND s.type = ? AND s.state_key = '' AND s.valid_to IS NULL
       LEFT JOIN event_json j ON j.event_nid = s.event_nid
       WHERE r.room_nid > ? ORDER BY r.room_nid LIMIT ?`,
    )
    const isGoing = 'e.room_nid = ? AND e.position <= ? AND e.state_key IS NULL'
    const shows = (what: string): string =>
      `EXISTS (SELECT 1 FROM media_references f JOIN events e ON e.event_nid = f.event_nid
         WHERE f.origin = m.origin AND f.media_id = m.media_id AND ${what})`
    this.#files = db.prepare(
      `SELECT COUNT(*) AS files, COALESCE(SUM(m.size), 0) AS bytes FROM media m
       WHERE m.content_hash IS NOT NULL AND ${shows(isGoing)} AND NOT ${shows(`NOT (${isGoing})`)}`,
    )
  }

  /** The oldest events of a room's timeline after a position, oldest first. */
  async oldest(roomNid: number, after: number, limit: number): Promise<PurgeCandidate[]> {
    const rows = await this.#db.scan<CandidateColumns>(this.#oldest, [roomNid, after, limit])
    return rows.map(row => ({
      nid: row.event_nid,
      position: row.position,
      type: row.type,
      sender: row.sender,
      isState: row.is_state !== 0,
      depth: row.depth,
      ts: row.origin_server_ts,
      bytes: row.bytes,
    }))
  }

  /** The lowest position and depth among the ends of a room's graph. */
  async lowestEnd(roomNid: number): Promise<{ position: number; depth: number } | undefined> {
    const row = await this.#db.get<{ position: number | null; depth: number | null }>(this.#lowestEnd, [
      roomNid,
    ])
    return row?.position == null || row.depth === null
      ? undefined
      : { position: row.position, depth: row.depth }
  }

  /** State events that authorise nothing, at or below a position, some of whose time as state has ended by then. */
  async ended(roomNid: number, upTo: number): Promise<number[]> {
    const rows = await this.#db.scan<{ event_nid: number }>(this.#ended, [roomNid, upTo, upTo])
    return rows.map(row => row.event_nid)
  }

  /** Those of these state events that authorise others, or are state at a position or after it. */
  async held(nids: readonly number[], at: number): Promise<Set<number>> {
    const rows = await this.#db.scan<{ event_nid: number }>(this.#held, [this.#db.list(nids), at, at])
    return new Set(rows.map(row => row.event_nid))
  }

  /** Those of these events that are replies in threads. */
  replies(nids: readonly number[]): Promise<PurgedReply[]> {
    return this.#db.scan<PurgedReply>(this.#replies, [this.#db.list(nids)])
  }

  /** Events up to a position that are not shown, authorise nothing, and are no state after it: what is soft-failed may have become that. */
  async hidden(roomNid: number, upTo: number, limit: number): Promise<{ nid: number; position: number }[]> {
    const rows = await this.#db.scan<{ event_nid: number; position: number }>(this.#hidden, [
      ...[roomNid, upTo],
      ...[upTo, upTo],
      limit,
    ])
    return rows.map(row => ({ nid: row.event_nid, position: row.position }))
  }

  /** Rooms after a nid, with the text of the state event of a type that rules them, if they have one. */
  rules(
    type: string,
    after: number,
    limit: number,
  ): Promise<{ roomNid: number; roomId: string; rule: string | null }[]> {
    return this.#db.scan(this.#rules, [type, after, limit])
  }

  /** Files that no message shows but those of a room up to a position. */
  async files(roomNid: number, upTo: number): Promise<{ files: number; bytes: number }> {
    const [row] = await this.#db.scan<{ files: number; bytes: number }>(this.#files, [
      ...[roomNid, upTo],
      ...[roomNid, upTo],
    ])
    return { files: Number(row?.files ?? 0), bytes: Number(row?.bytes ?? 0) }
  }
}
