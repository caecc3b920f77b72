import type { Prepared, Reader } from '../database.ts'
import type { EventNews } from './event-news.ts'

/** A room of which this server has not been told all members yet: it joined without them. */
export interface PartialRoom {
  readonly roomNid: number
  readonly roomId: string
  readonly joinEventId: string
  /** Where the join stands in the stream `events`; what lacks members is the state just before it. */
  readonly joinedAt: number
  /** The servers that were in the room then, as the one that let us in told. */
  readonly servers: readonly string[]
}

/** What a user's membership was at a position: the event, and when it came to be. */
export interface MemberAt {
  readonly userId: string
  readonly nid: number
  readonly from: number
}

/** A point of the state, and the event that it holds. */
export interface StatePoint {
  readonly type: string
  readonly stateKey: string
  readonly nid: number
}

interface PartialColumns {
  room_nid: number
  room_id: string
  event_id: string
  joined_at: number
  servers: string
}

const partialRoom = (row: PartialColumns): PartialRoom => ({
  roomNid: row.room_nid,
  roomId: row.room_id,
  joinEventId: row.event_id,
  joinedAt: row.joined_at,
  servers: JSON.parse(row.servers) as string[],
})

/** From when to when a room lacked members, in positions of `events`. */
export interface PartialSpan {
  readonly roomNid: number
  readonly joinedAt: number
  /** `undefined`: it still does. */
  readonly completedAt: number | undefined
}

/**
 * A stay in a room that ended before its members were known, in positions of `events`: the states before the events from the join
 * to where it ended, which is not part of it, lack members for good.
 */
export interface UnfinishedStay {
  readonly from: number
  readonly to: number
}

interface SpanColumns {
  room_nid: number
  joined_at: number
  completed_at: number | null
}

const partialSpan = (row: SpanColumns): PartialSpan => ({
  roomNid: row.room_nid,
  joinedAt: row.joined_at,
  completedAt: row.completed_at ?? undefined,
})

/** A room's members in the table `room_state`. */
export const MEMBERS_OF_ROOM = "room_nid = ? AND type = 'm.room.member'"

/** Reads which rooms lack members. */
export class PartialRoomReader {
  readonly #db: Reader
  readonly #news: Pick<EventNews, 'isPlain'>
  readonly #open: Prepared
  readonly #allOpen: Prepared
  readonly #completed: Prepared
  readonly #completions: Prepared
  readonly #changed: Prepared
  readonly #membersAt: Prepared
  readonly #allMembersAt: Prepared
  readonly #othersAt: Prepared
  readonly #late: Prepared
  readonly #arrived: Prepared
  readonly #moved: Prepared
  readonly #serversAround: Prepared
  readonly #ever: Prepared
  readonly #unfinished: Prepared
  readonly #last: Prepared

  constructor(db: Reader, news: Pick<EventNews, 'isPlain'>) {
    this.#db = db
    this.#news = news
    const select = `SELECT p.room_nid, r.room_id, e.event_id, p.joined_at, p.servers FROM partial_rooms p
      JOIN rooms r ON r.room_nid = p.room_nid JOIN events e ON e.event_nid = p.join_nid`
    this.#open = db.prepare(`${select} WHERE p.room_nid = ? AND p.completed_at IS NULL`)
    this.#allOpen = db.prepare(`${select} WHERE p.completed_at IS NULL ORDER BY p.joined_at`)
    this.#completed = db.prepare(
      'SELECT room_nid, servers FROM partial_rooms WHERE completed_at > ? AND completed_at <= ?',
    )
    const span = 'SELECT room_nid, joined_at, completed_at FROM partial_rooms'
    this.#completions = db.prepare(span)
    this.#changed = db.prepare(
      `${span} WHERE (joined_at > ? AND joined_at <= ?) OR (completed_at > ? AND completed_at <= ?)`,
    )
    const holds = 'valid_from <= ? AND (valid_to IS NULL OR valid_to > ?)'
    this.#membersAt = db.prepare(
      `SELECT state_key, event_nid, valid_from FROM room_state
       WHERE ${MEMBERS_OF_ROOM} AND ${db.dialect.inText('state_key')} AND ${holds}`,
    )
    this.#allMembersAt = db.prepare(
      `SELECT state_key, event_nid, valid_from FROM room_state WHERE ${MEMBERS_OF_ROOM} AND ${holds}`,
    )
    const other = `SELECT type, state_key, event_nid FROM room_state WHERE room_nid = ? AND ${holds}`
    this.#othersAt = db.prepare(
      `${other} AND type < 'm.room.member' UNION ALL ${other} AND type > 'm.room.member'`,
    )
    this.#late = db.prepare(
      `SELECT s.type, s.state_key, s.event_nid FROM room_state s
       WHERE s.room_nid = ? AND s.valid_from > ? AND s.valid_to IS NULL AND s.type <> 'm.room.member'
         AND NOT EXISTS (SELECT 1 FROM events e WHERE e.room_nid = s.room_nid AND e.position = s.valid_from)`,
    )
    this.#serversAround = db.prepare(
      `SELECT p.servers FROM partial_rooms p JOIN memberships m ON m.room_nid = p.room_nid
       WHERE m.user_id = ? AND m.membership = 'join' AND p.completed_at IS NULL`,
    )
    this.#ever = db.prepare('SELECT 1 AS one FROM partial_rooms WHERE room_nid = ?')
    this.#last = db.prepare(`${select} WHERE p.room_nid = ?`)
    this.#unfinished = db.prepare(
      'SELECT joined_at, ended_at FROM unfinished_stays WHERE room_nid = ? ORDER BY joined_at',
    )
    this.#moved = db.prepare(
      `SELECT DISTINCT state_key FROM room_state
       WHERE ${MEMBERS_OF_ROOM} AND ${db.dialect.inText('state_key')} AND valid_from > ?`,
    )
    this.#arrived = db.prepare(
      'SELECT event_nid FROM events WHERE room_nid = ? AND position > ? ORDER BY position LIMIT ?',
    )
  }

  /** What is known of a room that lacks members; `undefined` of all others. */
  async open(roomNid: number): Promise<PartialRoom | undefined> {
    const row = await this.#db.get<PartialColumns>(this.#open, [roomNid])
    return row && partialRoom(row)
  }

  /** Whether a room was ever entered without being told of its members. */
  async wasEver(roomNid: number): Promise<boolean> {
    return (await this.#db.get(this.#ever, [roomNid])) !== undefined
  }

  /** What was known of a room when it was last entered without being told of its members, whatever has become of that. */
  async last(roomNid: number): Promise<PartialRoom | undefined> {
    const row = await this.#db.get<PartialColumns>(this.#last, [roomNid])
    return row && partialRoom(row)
  }

  /** The stays in a room that ended before its members were known. */
  async unfinished(roomNid: number): Promise<UnfinishedStay[]> {
    const rows = await this.#db.all<{ joined_at: number; ended_at: number }>(this.#unfinished, [roomNid])
    return rows.map(row => ({ from: row.joined_at, to: row.ended_at }))
  }

  /** Every room that lacks members, the longest first. */
  async allOpen(): Promise<PartialRoom[]> {
    return (await this.#db.all<PartialColumns>(this.#allOpen)).map(partialRoom)
  }

  /** The servers that were told to be in those rooms of a user that lack members. */
  async serversAround(userId: string): Promise<string[]> {
    const rows = await this.#db.all<{ servers: string }>(this.#serversAround, [userId])
    return [...new Set(rows.flatMap(row => JSON.parse(row.servers) as string[]))]
  }

  /** The rooms that came to be complete after one position up to another, with the servers that were told to be in them. */
  async completedBetween(
    after: number,
    upTo: number,
  ): Promise<{ readonly roomNid: number; readonly servers: readonly string[] }[]> {
    if (await this.#news.isPlain(after, upTo)) return []
    const rows = await this.#db.all<{ room_nid: number; servers: string }>(this.#completed, [after, upTo])
    return rows.map(row => ({ roomNid: row.room_nid, servers: JSON.parse(row.servers) as string[] }))
  }

  /** From when to when rooms lacked members; those without `completedAt` still do. */
  async spans(): Promise<PartialSpan[]> {
    return (await this.#db.scan<SpanColumns>(this.#completions)).map(partialSpan)
  }

  /** Those of them that began or ended after one position up to another. */
  async changedBetween(after: number, upTo: number): Promise<PartialSpan[]> {
    if (await this.#news.isPlain(after, upTo)) return []
    const parameters = [after, upTo, after, upTo]
    return (await this.#db.all<SpanColumns>(this.#changed, parameters)).map(partialSpan)
  }

  /** Users' memberships as they were at a position, or (without users) everybody's. */
  async membersAt(roomNid: number, position: number, userIds?: readonly string[]): Promise<MemberAt[]> {
    type Columns = { state_key: string; event_nid: number; valid_from: number }
    const rows =
      userIds === undefined
        ? await this.#db.scan<Columns>(this.#allMembersAt, [roomNid, position, position])
        : await this.#db.scan<Columns>(this.#membersAt, [roomNid, this.#db.list(userIds), position, position])
    return rows.map(row => ({ userId: row.state_key, nid: row.event_nid, from: row.valid_from }))
  }

  /** The state at a position, but for its members. */
  async othersAt(roomNid: number, position: number): Promise<StatePoint[]> {
    const one = [roomNid, position, position]
    const rows = await this.#db.scan<{ type: string; state_key: string; event_nid: number }>(this.#othersAt, [
      ...one,
      ...one,
    ])
    return rows.map(row => ({ type: row.type, stateKey: row.state_key, nid: row.event_nid }))
  }

  /** What of the state, but for members, has been put in after a join (`joinedAt`) without any event that changed it. */
  async late(roomNid: number, joinedAt: number): Promise<StatePoint[]> {
    const rows = await this.#db.scan<{ type: string; state_key: string; event_nid: number }>(this.#late, [
      roomNid,
      joinedAt,
    ])
    return rows.map(row => ({ type: row.type, stateKey: row.state_key, nid: row.event_nid }))
  }

  /** Which of these users' memberships have changed after a position. */
  async movedAfter(roomNid: number, position: number, userIds: readonly string[]): Promise<Set<string>> {
    const parameters = [roomNid, this.#db.list(userIds), position]
    const rows = await this.#db.scan<{ state_key: string }>(this.#moved, parameters)
    return new Set(rows.map(row => row.state_key))
  }

  /** The nids of what came into a room after a position, in order, whatever became of it. */
  async arrivedAfter(roomNid: number, position: number, limit: number): Promise<number[]> {
    const rows = await this.#db.all<{ event_nid: number }>(this.#arrived, [roomNid, position, limit])
    return rows.map(row => row.event_nid)
  }
}
