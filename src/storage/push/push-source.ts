import type { Prepared, Reader } from '../database.ts'
import type { EventNews } from '../rooms/event-news.ts'
import type { RoomPlace } from './push-action.ts'

/** A user of this server who is in a room. */
export interface LocalMember {
  readonly userId: string
  readonly eventNid: number
  /** Where their membership came to be what it is. */
  readonly position: number
}

/** An event that may notify somebody. */
export interface EventToJudge {
  readonly nid: number
  readonly position: number
  /** The state before it is not what held just before its position. */
  readonly forked: boolean
}

/** How far a user has read in a room, by one of their receipts. */
export interface Reading {
  readonly userId: string
  readonly roomNid: number
  /** Empty: in all threads. */
  readonly threadId: string
  /** `undefined` where the event is not here. */
  readonly eventPosition: number | undefined
}

interface ReadingColumns {
  user_id: string
  room_nid: number
  thread_id: string
  event_position: number | null
}

/** Somebody's member event in a room was set or replaced at a position, or ended without another. */
export interface MemberChange extends RoomPlace {
  readonly userId: string
}

const distinct = (changes: readonly MemberChange[]): MemberChange[] => [
  ...new Map(changes.map(one => [`${one.roomNid} ${one.userId} ${one.position}`, one])).values(),
]

const MEMBERS_AND_POWERS = new Set(['m.room.member', 'm.room.power_levels', 'm.room.create'])

/** What the users of a server are like, in terms of `LIKE … ESCAPE '!'`. */
const ofServer = (serverName: string): string => `%:${serverName.replaceAll(/[!%_]/g, '!$&')}`

/** So many rows may be read on the calling thread. */
const FEW = 100

/** Reads what the counter of notifications follows. */
export class PushSourceReader {
  readonly #db: Reader
  readonly #news: EventNews | undefined
  readonly #events: Prepared
  readonly #localMembers: Prepared
  readonly #joined: Prepared
  readonly #redacted: Prepared
  readonly #hidden: Prepared
  readonly #forkedFor: Prepared
  readonly #changedRooms: Prepared
  readonly #memberChanges: Prepared
  readonly #receiptRooms: Prepared
  readonly #readers: Prepared
  readonly #readings: Prepared

  /** @param news for who follows the stream of events */
  constructor(db: Reader, news?: EventNews) {
    this.#db = db
    this.#news = news
    this.#events = db.prepare(
      `SELECT event_nid, position,
         CASE WHEN EXISTS (SELECT 1 FROM event_state_delta d WHERE d.event_nid = events.event_nid) THEN 1 ELSE 0 END
           AS forked
       FROM events WHERE position > ? AND position <= ? AND rejected IS NULL AND soft_failed = 0
       ORDER BY position LIMIT ?`,
    )
    this.#localMembers = db.prepare(
      `SELECT user_id, event_nid, position FROM memberships WHERE room_nid = ? AND membership = 'join' AND host = ?`,
    )
    this.#joined = db.prepare(
      `SELECT COUNT(*) AS n FROM memberships WHERE room_nid = ? AND membership = 'join'`,
    )
    this.#redacted = db.prepare(
      `SELECT room_nid, position, redacted_by FROM events WHERE ${db.dialect.inText('event_id')} AND position > 0`,
    )
    this.#hidden = db.prepare(
      `SELECT position FROM events
       WHERE room_nid = ? AND position > ? AND position <= ? AND (rejected IS NOT NULL OR soft_failed = 1)`,
    )
    this.#forkedFor = db.prepare(
      `SELECT event_nid FROM events WHERE room_nid = ? AND position > ? AND position <= ?
         AND rejected IS NULL AND soft_failed = 0
         AND EXISTS (SELECT 1 FROM event_state_delta d WHERE d.event_nid = events.event_nid
           AND d.type = 'm.room.member' AND d.state_key LIKE ? ESCAPE '!')`,
    )
    // Also what ended without a successor, where a conflict resolves so that nobody has the place. What comes twice is told apart
    // later, as in `SyncReader`.
    const changed = (condition: string): string =>
      ['valid_from', 'valid_to']
        .map(
          column => `SELECT room_nid, state_key, ${column} AS position FROM room_state
            WHERE ${db.dialect.inInteger('room_nid')} AND ${column} > ? AND ${column} <= ? AND ${condition}`,
        )
        .join(' UNION ALL ')
    const types = [...MEMBERS_AND_POWERS].map(type => `'${type}'`).join(', ')
    this.#changedRooms = db.prepare(changed(`type IN (${types})`))
    this.#memberChanges = db.prepare(changed("type = 'm.room.member' AND state_key LIKE ? ESCAPE '!'"))
    this.#receiptRooms = db.prepare(
      `SELECT DISTINCT r.room_id FROM memberships m JOIN rooms r ON r.room_nid = m.room_nid
       JOIN receipts t ON t.room_nid = m.room_nid AND t.user_id = m.user_id
       WHERE m.user_id = ? AND m.membership = 'join' AND t.position > ? AND t.position <= ?`,
    )
    this.#readings = db.prepare(
      `SELECT user_id, room_nid, thread_id, event_position FROM receipts
       WHERE position > ? AND position <= ? AND type IN ('m.read', 'm.read.private') ORDER BY position`,
    )
    this.#readers = db.prepare('SELECT DISTINCT user_id FROM receipts WHERE position > ? AND position <= ?')
  }

  /** The shown events after one position up to another, in order, at most so many. */
  async events(after: number, upTo: number, limit: number): Promise<EventToJudge[]> {
    const news = await this.#news?.shown(after, upTo)
    if (news !== undefined)
      return news.slice(0, limit).map(({ nid, position, forked }) => ({ nid, position, forked }))
    const parameters = [after, upTo, limit]
    const rows = await this.#db.all<{ event_nid: number; position: number; forked: number }>(
      this.#events,
      parameters,
    )
    return rows.map(row => ({ nid: row.event_nid, position: row.position, forked: row.forked === 1 }))
  }

  /** The users of a server who are in a room now. */
  async localMembers(roomNid: number, serverName: string): Promise<LocalMember[]> {
    const rows = await this.#db.scan<{ user_id: string; event_nid: number; position: number }>(
      this.#localMembers,
      [roomNid, serverName],
    )
    return rows.map(row => ({ userId: row.user_id, eventNid: row.event_nid, position: row.position }))
  }

  /** How many users are in a room now. */
  async joinedCount(roomNid: number): Promise<number> {
    return (await this.#db.scan<{ n: number }>(this.#joined, [roomNid]))[0]?.n ?? 0
  }

  /** Where those events of a room stand after one position up to another that are shown to nobody. */
  async hidden(roomNid: number, after: number, upTo: number): Promise<number[]> {
    const rows = await this.#db.scan<{ position: number }>(this.#hidden, [roomNid, after, upTo])
    return rows.map(row => row.position)
  }

  /**
   * The nids of the shown events of a room after one position up to another that lie on branches on which the membership of one of a
   * server's users was another.
   */
  async forkedFor(
    roomNid: number,
    { after, upTo }: { after: number; upTo: number },
    serverName: string,
  ): Promise<number[]> {
    const span = [roomNid, after, upTo, ofServer(serverName)]
    return (await this.#db.scan<{ event_nid: number }>(this.#forkedFor, span)).map(row => row.event_nid)
  }

  /** Where those of these events stand that one of these redactions has redacted. */
  async redacted(eventIds: readonly string[], redactionNids: readonly number[]): Promise<RoomPlace[]> {
    type Columns = { room_nid: number; position: number; redacted_by: number | null }
    const rows = await this.#db.all<Columns>(this.#redacted, [this.#db.list(eventIds)])
    const by = new Set(redactionNids)
    return rows
      .filter(row => row.redacted_by !== null && by.has(row.redacted_by))
      .map(row => ({ roomNid: row.room_nid, position: row.position }))
  }

  /** Those of these rooms whose members or powers have changed in a span of positions. */
  async changedRooms(roomNids: readonly number[], after: number, upTo: number): Promise<Set<number>> {
    const news = await this.#news?.points(after, upTo)
    if (news !== undefined) {
      const changed = news.filter(
        ({ type, roomNid }) => MEMBERS_AND_POWERS.has(type) && roomNids.includes(roomNid),
      )
      return new Set(changed.map(({ roomNid }) => roomNid))
    }
    const half = [this.#db.list(roomNids), after, upTo]
    const rows = await this.#db.all<{ room_nid: number }>(this.#changedRooms, [...half, ...half])
    return new Set(rows.map(row => row.room_nid))
  }

  /** How the memberships of a server's users have changed in these rooms in a span of positions. */
  async memberChanges(
    roomNids: readonly number[],
    span: { after: number; upTo: number },
    serverName: string,
  ): Promise<MemberChange[]> {
    const news = await this.#news?.points(span.after, span.upTo)
    if (news !== undefined) {
      const changes = news.filter(
        ({ type, roomNid, stateKey }) =>
          type === 'm.room.member' && roomNids.includes(roomNid) && stateKey.endsWith(`:${serverName}`),
      )
      return distinct(
        changes.map(({ roomNid, stateKey: userId, position }) => ({ roomNid, userId, position })),
      )
    }
    const pattern = ofServer(serverName)
    const half = [this.#db.list(roomNids), span.after, span.upTo, pattern]
    const rows = await this.#db.all<{ room_nid: number; state_key: string; position: number }>(
      this.#memberChanges,
      [...half, ...half],
    )
    return distinct(
      rows.map(row => ({ roomNid: row.room_nid, userId: row.state_key, position: row.position })),
    )
  }

  /** The IDs of the rooms in which a user's own receipts have moved in a span of the stream `receipts`. */
  async receiptRooms(userId: string, after: number, upTo: number): Promise<string[]> {
    const rows = await this.#db.scan<{ room_id: string }>(this.#receiptRooms, [userId, after, upTo])
    return rows.map(row => row.room_id)
  }

  /** What was read by the receipts that have moved in a span of the stream `receipts`. */
  async readings(after: number, upTo: number): Promise<Reading[]> {
    const rows = await this.#few(after, upTo)<ReadingColumns>(this.#readings, [after, upTo])
    return rows.map(row => ({
      userId: row.user_id,
      roomNid: row.room_nid,
      threadId: row.thread_id,
      eventPosition: row.event_position ?? undefined,
    }))
  }

  /** Whose receipts have moved in a span of the stream `receipts`. */
  async readers(after: number, upTo: number): Promise<string[]> {
    const rows = await this.#few(after, upTo)<{ user_id: string }>(this.#readers, [after, upTo])
    return rows.map(row => row.user_id)
  }

  /** How to read a short stretch of a stream, which is faster where we are than in another thread, or a long one. */
  #few(after: number, upTo: number): Reader['all'] {
    return upTo - after <= FEW ? this.#db.all.bind(this.#db) : this.#db.scan.bind(this.#db)
  }
}
