import type { Prepared, Reader } from '../database.ts'
import type { Membership } from '../rooms/memberships.ts'

/** A membership of somebody that has changed lately. */
export interface RecentMember {
  readonly roomNid: number
  readonly userId: string
  readonly membership: Membership
  readonly position: number
}

interface MemberColumns {
  room_nid: number
  user_id: string
  membership: Membership
  position: number
}

const recentMember = (row: MemberColumns): RecentMember => ({
  roomNid: row.room_nid,
  userId: row.user_id,
  membership: row.membership,
  position: row.position,
})

/** A room other than this one that `user` shares with `host` since before a position. */
const shareAnother = (user: string, host: string): string => `EXISTS (
  SELECT 1 FROM memberships o JOIN memberships p ON p.room_nid = o.room_nid
  WHERE o.user_id = ${user} AND o.membership = 'join' AND o.room_nid <> ? AND o.position < ?
    AND p.membership = 'join' AND p.host = ${host} AND p.position < ?)`

/** An event that sets somebody's membership (position of the `events` stream). */
export interface MemberEvent {
  readonly roomNid: number
  readonly userId: string
  readonly position: number
}

/** Reads who shares rooms with whom, and with which servers: whom changes of devices concern. */
export class CompanionReader {
  readonly #db: Reader
  readonly #sharing: Prepared
  readonly #sharesWithHost: Prepared
  readonly #moved: Prepared
  readonly #ofRoom: Prepared
  readonly #hosts: Prepared
  readonly #memberEvents: Prepared
  readonly #hostsNewTo: Prepared
  readonly #usersNewTo: Prepared
  readonly #arrivedWith: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#sharing = db.prepare(
      `SELECT DISTINCT b.user_id FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid
       WHERE a.user_id = ? AND a.membership = 'join' AND b.membership = 'join'
         AND ${db.dialect.inText('b.user_id')}`,
    )
    this.#sharesWithHost = db.prepare(
      `SELECT 1 AS found FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid
       WHERE a.user_id = ? AND a.membership = 'join' AND b.membership = 'join' AND b.host = ? LIMIT 1`,
    )
    const members = 'SELECT b.room_nid, b.user_id, b.membership, b.position FROM memberships b'
    this.#moved = db.prepare(
      `${members} JOIN memberships a ON b.room_nid = a.room_nid
       WHERE a.user_id = ? AND a.membership = 'join' AND b.position > ? AND b.position <= ? AND b.user_id <> ?`,
    )
    this.#ofRoom = db.prepare(`${members} WHERE b.room_nid = ? AND (b.membership = 'join' OR b.position > ?)`)
    this.#hosts = db.prepare(
      `SELECT DISTINCT b.host FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid
       WHERE a.user_id = ? AND a.membership = 'join' AND b.membership = 'join'`,
    )
    this.#memberEvents = db.prepare(
      `SELECT position, room_nid, state_key FROM events
       WHERE position > ? AND position <= ? AND type = 'm.room.member' AND state_key IS NOT NULL
         AND rejected IS NULL ORDER BY position LIMIT ?`,
    )
    this.#hostsNewTo = db.prepare(
      `SELECT DISTINCT b.host FROM memberships b
       WHERE b.room_nid = ? AND b.membership = 'join' AND b.host <> ? AND NOT ${shareAnother('?', 'b.host')}`,
    )
    this.#usersNewTo = db.prepare(
      `SELECT a.user_id FROM memberships a
       WHERE a.room_nid = ? AND a.membership = 'join' AND a.host = ?
         AND EXISTS (SELECT 1 FROM device_keys k WHERE k.user_id = a.user_id)
         AND NOT EXISTS (SELECT 1 FROM memberships b WHERE b.room_nid = a.room_nid AND b.membership = 'join'
           AND b.host = ? AND b.user_id <> ? AND b.position < ?)
         AND NOT ${shareAnother('a.user_id', '?')}
       ORDER BY a.user_id LIMIT ?`,
    )
    this.#arrivedWith = db.prepare(
      `SELECT a.user_id FROM memberships a JOIN events e ON e.event_nid = a.event_nid
       WHERE a.room_nid = ? AND a.membership = 'join' AND a.host = ? AND a.position = ?
         AND (e.position IS NULL OR e.position < a.position)
       ORDER BY a.user_id LIMIT ?`,
    )
  }

  /** Which of these users share a room with this one now. */
  async sharing(userId: string, others: readonly string[]): Promise<Set<string>> {
    if (others.length === 0) return new Set()
    const rows = await this.#db.scan<{ user_id: string }>(this.#sharing, [userId, this.#db.list(others)])
    return new Set(rows.map(row => row.user_id))
  }

  /** Whether a user shares a room with any user of a server. */
  async sharesRoomWithHost(userId: string, host: string): Promise<boolean> {
    return (await this.#db.get(this.#sharesWithHost, [userId, host])) !== undefined
  }

  /** Others' memberships that have changed in the rooms that this user is in (positions of the `events` stream). */
  async moved(userId: string, after: number, upTo: number): Promise<RecentMember[]> {
    const rows = await this.#db.scan<MemberColumns>(this.#moved, [userId, after, upTo, userId])
    return rows.map(recentMember)
  }

  /** The joined members of a room, and all whose membership has changed since. */
  async ofRoom(roomNid: number, since: number): Promise<RecentMember[]> {
    return (await this.#db.scan<MemberColumns>(this.#ofRoom, [roomNid, since])).map(recentMember)
  }

  /** The servers that have users in a room together with this user. */
  async hostsOf(userId: string): Promise<string[]> {
    return (await this.#db.scan<{ host: string }>(this.#hosts, [userId])).map(row => row.host)
  }

  /** The next events that set memberships, oldest first (positions of the `events` stream). */
  async memberEvents(after: number, upTo: number, limit: number): Promise<MemberEvent[]> {
    const rows = await this.#db.all<{ position: number; room_nid: number; state_key: string }>(
      this.#memberEvents,
      [after, upTo, limit],
    )
    return rows.map(row => ({ position: row.position, roomNid: row.room_nid, userId: row.state_key }))
  }

  /** The servers in a room that share no other room with a local user who has joined it (position of the event). */
  async hostsNewTo(joined: MemberEvent, ownHost: string): Promise<string[]> {
    const { roomNid, userId, position } = joined
    const parameters = [roomNid, ownHost, userId, roomNid, position, position]
    const rows = await this.#db.scan<{ host: string }>(this.#hostsNewTo, parameters)
    return rows.map(row => row.host)
  }

  /**
   * The local users with keys in a room who shared no room with a server before its user joined this one; nobody, where
   * the server was in the room already.
   */
  async usersNewTo(
    host: string,
    joined: MemberEvent,
    { host: ownHost, limit }: { host: string; limit: number },
  ): Promise<string[]> {
    const { roomNid, userId, position } = joined
    const before = [roomNid, ownHost, host, userId, position]
    const rows = await this.#db.scan<{ user_id: string }>(this.#usersNewTo, [
      ...before,
      ...[roomNid, position, host, position],
      limit,
    ])
    return rows.map(row => row.user_id)
  }

  /**
   * The local users whom a room has brought along when another joined it: it was in the room by their own joins, of which
   * this server has not learned, as when an answer was lost.
   */
  async arrivedWith(
    joined: { readonly roomNid: number; readonly position: number },
    { host, limit }: { host: string; limit: number },
  ): Promise<string[]> {
    const parameters = [joined.roomNid, host, joined.position - 1, limit]
    const rows = await this.#db.scan<{ user_id: string }>(this.#arrivedWith, parameters)
    return rows.map(row => row.user_id)
  }
}
