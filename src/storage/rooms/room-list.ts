import type { RoomSummary } from '../../core/room-summary.ts'
import type { Prepared, Reader } from '../database.ts'

/** A room as operators see it. */
export interface ListedRoom {
  readonly nid: number
  readonly roomId: string
  readonly version: string
  /** Its name, or else its main alias. */
  readonly name: string | undefined
  /** All members, and those of them who are of this server. */
  readonly members: number
  readonly localMembers: number
  /** Who of this server is in it, invited or knocking. */
  readonly localUsers: number
  /** Of the timeline. */
  readonly events: number
  readonly creator: string
  /** Milliseconds since 1970. */
  readonly createdTs: number
}

interface Columns {
  room_nid: number
  room_id: string
  version: string
  summary: string | null
  joined: number | null
  here: number
  joined_here: number
  events: number
  creator: string
  created_ts: number
}

/** Reads rooms for operators; costs what is counted. */
export class RoomLister {
  readonly #db: Reader
  readonly #largest: Prepared
  readonly #one: Prepared

  constructor(db: Reader) {
    this.#db = db
    const select = `SELECT r.room_nid, r.room_id, r.version, r.creator, r.created_ts, s.summary, s.joined,
        (SELECT COUNT(*) FROM memberships m WHERE m.room_nid = r.room_nid AND m.host = ?
          AND m.membership IN ('join', 'invite', 'knock')) AS here,
        (SELECT COUNT(*) FROM memberships m WHERE m.room_nid = r.room_nid AND m.host = ?
          AND m.membership = 'join') AS joined_here,
        (SELECT COUNT(*) FROM events e WHERE e.room_nid = r.room_nid AND e.position IS NOT NULL
          AND e.rejected IS NULL AND e.soft_failed = 0) AS events
      FROM rooms r LEFT JOIN room_summaries s ON s.room_nid = r.room_nid`
    this.#largest = db.prepare(`${select} ORDER BY events DESC, r.room_nid LIMIT ?`)
    this.#one = db.prepare(
      `${select} WHERE r.room_id = ? OR r.room_id = (SELECT a.room_id FROM room_aliases a WHERE a.alias = ?)`,
    )
  }

  /** The rooms with the most events. */
  async largest(serverName: string, limit: number): Promise<ListedRoom[]> {
    return (await this.#db.scan<Columns>(this.#largest, [serverName, serverName, limit])).map(listed)
  }

  /** One room, by its ID or an alias of this server. */
  async one(serverName: string, name: string): Promise<ListedRoom | undefined> {
    return (await this.#db.scan<Columns>(this.#one, [serverName, serverName, name, name])).map(listed)[0]
  }
}

const listed = (row: Columns): ListedRoom => {
  const summary = row.summary === null ? undefined : (JSON.parse(row.summary) as RoomSummary)
  return {
    nid: row.room_nid,
    roomId: row.room_id,
    version: row.version,
    name: summary?.name ?? summary?.canonical_alias,
    members: row.joined ?? 0,
    localMembers: Number(row.joined_here),
    localUsers: Number(row.here),
    events: Number(row.events),
    creator: row.creator,
    createdTs: row.created_ts,
  }
}
