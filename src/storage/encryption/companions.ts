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

/** A room other than this one that `user` shares with `host`, and has at a position, without anything having changed since. */
export const shareAnother = (user: string, host: string): string => `EXISTS (
  SELECT 1 FROM memberships o JOIN memberships p ON p.room_nid = o.room_nid
  WHERE o.user_id = ${user} AND o.membership = 'join' AND o.room_nid <> ? AND o.position <= ?
    AND p.membership = 'join' AND p.host = ${host} AND p.position <= ?)`

/** So many servers of a room are looked for one by one in a user's other rooms. */
const FEW_HOSTS = 8

/** Reads who shares rooms with whom, and with which servers: whom changes of devices concern. */
export class CompanionReader {
  readonly #db: Reader
  readonly #sharing: Prepared
  readonly #sharesWithHost: Prepared
  readonly #moved: Prepared
  readonly #ofRoom: Prepared
  readonly #hosts: Prepared
  readonly #ofHost: Prepared
  readonly #memberSince: Prepared
  readonly #hostsInRoom: Prepared
  readonly #sharesAnother: Prepared
  readonly #hostsOfOthers: Prepared
  readonly #usersNewTo: Prepared

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
       WHERE a.user_id = ? AND a.membership = 'join' AND b.position > ? AND b.user_id <> ?`,
    )
    this.#ofRoom = db.prepare(`${members} WHERE b.room_nid = ? AND (b.membership = 'join' OR b.position > ?)`)
    this.#hosts = db.prepare(
      `SELECT DISTINCT b.host FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid
       WHERE a.user_id = ? AND a.membership = 'join' AND b.membership = 'join'`,
    )
    const ofHost = "WHERE b.room_nid = ? AND b.membership = 'join' AND b.host = ?"
    this.#ofHost = db.prepare(`${members} ${ofHost} ORDER BY b.position`)
    this.#memberSince = db.prepare(
      `SELECT 1 AS found FROM memberships b ${ofHost} AND b.position <= ? LIMIT 1`,
    )
    this.#hostsInRoom = db.prepare(
      "SELECT DISTINCT host FROM memberships WHERE room_nid = ? AND membership = 'join' AND host <> ?",
    )
    this.#sharesAnother = db.prepare(`SELECT 1 AS found WHERE ${shareAnother('?', '?')}`)
    this.#hostsOfOthers = db.prepare(
      `SELECT DISTINCT p.host FROM memberships o JOIN memberships p ON p.room_nid = o.room_nid
       WHERE o.user_id = ? AND o.membership = 'join' AND o.room_nid <> ? AND o.position <= ?
         AND p.membership = 'join' AND p.position <= ?`,
    )
    this.#usersNewTo = db.prepare(
      `SELECT a.user_id FROM memberships a
       WHERE a.room_nid = ? AND a.membership = 'join' AND a.host = ?
         AND EXISTS (SELECT 1 FROM device_keys k WHERE k.user_id = a.user_id)
         AND NOT EXISTS (SELECT 1 FROM memberships b WHERE b.room_nid = a.room_nid AND b.membership = 'join'
           AND b.host = ? AND b.position <= ?)
         AND NOT ${shareAnother('a.user_id', '?')}
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

  /** Others' memberships that have changed since a position in the rooms that this user is in. */
  async moved(userId: string, after: number): Promise<RecentMember[]> {
    const rows = await this.#db.scan<MemberColumns>(this.#moved, [userId, after, userId])
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

  /** Whether anybody of a server is in a room since a position, without anything having changed since. */
  async hasMemberSince(roomNid: number, host: string, position: number): Promise<boolean> {
    return (await this.#db.get(this.#memberSince, [roomNid, host, position])) !== undefined
  }

  /** The users of a server in a room, those first who have been there for the longest. */
  async ofHost(roomNid: number, host: string): Promise<RecentMember[]> {
    return (await this.#db.scan<MemberColumns>(this.#ofHost, [roomNid, host])).map(recentMember)
  }

  /** The servers in a room with which a local user in it has shared no other since a position. */
  async hostsNewTo(
    { roomNid, userId }: Pick<RecentMember, 'roomNid' | 'userId'>,
    since: number,
    ownHost: string,
  ): Promise<string[]> {
    const rows = await this.#db.scan<{ host: string }>(this.#hostsInRoom, [roomNid, ownHost])
    const hosts = rows.map(row => row.host)
    const isKnown = await this.#knownFrom(hosts, { roomNid, userId }, since)
    return hosts.filter(host => !isKnown.has(host))
  }

  /**
   * Those of these servers, at least, with which a user has shared another room. A few are looked for one by one, so that it does not
   * matter how large the user's rooms are; of many that would go through all those rooms for each.
   */
  async #knownFrom(
    hosts: readonly string[],
    { roomNid, userId }: Pick<RecentMember, 'roomNid' | 'userId'>,
    since: number,
  ): Promise<Set<string>> {
    if (hosts.length > FEW_HOSTS) {
      const parameters = [userId, roomNid, since, since]
      const rows = await this.#db.scan<{ host: string }>(this.#hostsOfOthers, parameters)
      return new Set(rows.map(row => row.host))
    }
    const found = hosts.map(async host => {
      const rows = await this.#db.scan(this.#sharesAnother, [userId, roomNid, since, host, since])
      return rows.length > 0 ? host : []
    })
    return new Set((await Promise.all(found)).flat())
  }

  /**
   * The local users with keys in a room who have shared neither it nor another with a server since a position.
   *
   * @param ownHost the local server
   */
  async usersNewTo(
    host: string,
    { roomNid, since }: { roomNid: number; since: number },
    { ownHost, limit }: { ownHost: string; limit: number },
  ): Promise<string[]> {
    const rows = await this.#db.scan<{ user_id: string }>(this.#usersNewTo, [
      ...[roomNid, ownHost, host, since],
      ...[roomNid, since, host, since],
      limit,
    ])
    return rows.map(row => row.user_id)
  }
}
