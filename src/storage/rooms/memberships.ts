import type { Prepared, Reader } from '../database.ts'
import type { EventNews } from './event-news.ts'

export type Membership = 'join' | 'invite' | 'knock' | 'leave' | 'ban'

/** How many users have which membership. */
export type MembershipCounts = Readonly<Partial<Record<Membership, number>>>

/** A user's current membership in a room whose state this server holds. */
export interface MembershipRow {
  readonly roomNid: number
  readonly roomId: string
  readonly userId: string
  readonly membership: Membership
  readonly eventNid: number
  /** The stream position at which it came to hold. */
  readonly position: number
  /** The user has forgotten the room after leaving it. */
  readonly forgotten: boolean
  /**
   * From here on (a position of `events`) this server knew that the user was in the room: the state has them in it since then, or
   * since before, but it was learnt late, from others. `undefined` where it was known at once.
   */
  readonly toldFrom: number | undefined
}

interface MembershipColumns {
  room_nid: number
  room_id: string
  user_id: string
  membership: Membership
  event_nid: number
  position: number
  forgotten: number
  told_from: number | null
}

const membershipRow = (row: MembershipColumns): MembershipRow => ({
  roomNid: row.room_nid,
  roomId: row.room_id,
  userId: row.user_id,
  membership: row.membership,
  eventNid: row.event_nid,
  position: row.position,
  forgotten: row.forgotten !== 0,
  toldFrom: row.told_from ?? undefined,
})

/** What a user is in a room. */
export interface StandingRow {
  /** `undefined`: nothing was heard of them there. */
  readonly membership: Membership | undefined
  /** The server is in the room, and lacks no members among whom the user may be. */
  readonly isCertain: boolean
}

/** Reads the projection of the current state that answers "who is where". */
export class MembershipReader {
  readonly #db: Reader
  readonly #news: Pick<EventNews, 'isPlain'>
  readonly #ofUser: Prepared
  readonly #one: Prepared
  readonly #inRoom: Prepared
  readonly #joined: Prepared
  readonly #changed: Prepared
  readonly #counts: Prepared
  readonly #invited: Prepared
  readonly #joinedHosts: Prepared
  readonly #shared: Prepared
  readonly #hasMember: Prepared
  readonly #standing: Prepared
  readonly #first: Prepared
  readonly #told: Prepared
  readonly #joinedAmong: Prepared
  readonly #joinedRooms: Prepared

  constructor(db: Reader, news: Pick<EventNews, 'isPlain'>) {
    this.#db = db
    this.#news = news
    const select = `SELECT m.room_nid, r.room_id, m.user_id, m.membership, m.event_nid, m.position, m.forgotten,
        m.told_from
      FROM memberships m JOIN rooms r ON r.room_nid = m.room_nid`
    this.#ofUser = db.prepare(`${select} WHERE m.user_id = ? AND ${db.dialect.inText('m.membership')}`)
    this.#one = db.prepare(`${select} WHERE m.user_id = ? AND m.room_nid = ?`)
    this.#inRoom = db.prepare(`${select} WHERE m.room_nid = ? AND ${db.dialect.inText('m.membership')}`)
    this.#joined = db.prepare(
      "SELECT user_id, event_nid FROM memberships WHERE room_nid = ? AND membership = 'join'",
    )
    this.#changed = db.prepare(`${select} WHERE m.user_id = ? AND m.position > ? AND m.position <= ?`)
    this.#counts = db.prepare(
      `SELECT room_nid, membership, COUNT(*) AS n FROM memberships
       WHERE ${db.dialect.inInteger('room_nid')} GROUP BY room_nid, membership`,
    )
    this.#invited = db.prepare(
      `SELECT room_nid, COUNT(*) AS n FROM memberships
       WHERE ${db.dialect.inInteger('room_nid')} AND membership = 'invite' GROUP BY room_nid`,
    )
    this.#joinedHosts = db.prepare(
      `SELECT DISTINCT host FROM memberships WHERE room_nid = ? AND membership = 'join'`,
    )
    this.#told = db.prepare(
      'SELECT room_nid, user_id FROM memberships WHERE told_from > ? AND told_from <= ?',
    )
    this.#hasMember = db.prepare(
      'SELECT 1 AS one FROM memberships WHERE room_nid = ? AND membership = ? AND host = ? LIMIT 1',
    )
    this.#standing = db.prepare(
      `SELECT m.membership,
         (SELECT COUNT(*) FROM partial_rooms p WHERE p.room_nid = r.room_nid AND p.completed_at IS NULL) AS partial,
         CASE WHEN EXISTS (SELECT 1 FROM memberships h
           WHERE h.room_nid = r.room_nid AND h.membership = 'join' AND h.host = ?) THEN 1 ELSE 0 END AS here
       FROM rooms r LEFT JOIN memberships m ON m.room_nid = r.room_nid AND m.user_id = ?
       WHERE ${db.dialect.inText('r.room_id')}`,
    )
    this.#first = db.prepare(
      `SELECT user_id FROM memberships WHERE room_nid = ? AND ${db.dialect.inText('membership')}
       ORDER BY position, user_id LIMIT ?`,
    )
    this.#joinedAmong = db.prepare(
      `SELECT DISTINCT user_id FROM memberships WHERE ${db.dialect.inText('user_id')} AND membership = 'join'`,
    )
    this.#joinedRooms = db.prepare(
      `SELECT user_id, room_nid FROM memberships WHERE ${db.dialect.inText('user_id')} AND membership = 'join'`,
    )
    this.#shared = db.prepare(
      `SELECT DISTINCT b.user_id FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid
       WHERE a.user_id = ? AND a.membership = 'join' AND b.membership = 'join'`,
    )
  }

  /** The rooms in which a user has one of these memberships. */
  async ofUser(userId: string, memberships: readonly Membership[]): Promise<MembershipRow[]> {
    const rows = await this.#db.scan<MembershipColumns>(this.#ofUser, [userId, this.#db.list(memberships)])
    return rows.map(membershipRow)
  }

  /** Those of the given users who are in any room. */
  async joinedAmong(userIds: readonly string[]): Promise<ReadonlySet<string>> {
    if (userIds.length === 0) return new Set()
    const rows = await this.#db.scan<{ user_id: string }>(this.#joinedAmong, [this.#db.list(userIds)])
    return new Set(rows.map(row => row.user_id))
  }

  /** The rooms (nids) that the given users are in; who is in none is absent. */
  async joinedRooms(userIds: readonly string[]): Promise<ReadonlyMap<string, ReadonlySet<number>>> {
    const rows = await this.#db.scan<Pick<MembershipColumns, 'user_id' | 'room_nid'>>(this.#joinedRooms, [
      this.#db.list(userIds),
    ])
    const rooms = new Map<string, Set<number>>()
    for (const { user_id: userId, room_nid: roomNid } of rows)
      rooms.set(userId, (rooms.get(userId) ?? new Set()).add(roomNid))
    return rooms
  }

  async one(userId: string, roomNid: number): Promise<MembershipRow | undefined> {
    const row = await this.#db.get<MembershipColumns>(this.#one, [userId, roomNid])
    return row && membershipRow(row)
  }

  /** The users of a room who have one of these memberships. */
  async inRoom(roomNid: number, memberships: readonly Membership[]): Promise<MembershipRow[]> {
    const rows = await this.#db.scan<MembershipColumns>(this.#inRoom, [roomNid, this.#db.list(memberships)])
    return rows.map(membershipRow)
  }

  /** The joined users of a room, and the nids of their member events. */
  async joined(roomNid: number): Promise<Pick<MembershipRow, 'userId' | 'eventNid'>[]> {
    const rows = await this.#db.scan<Pick<MembershipColumns, 'user_id' | 'event_nid'>>(this.#joined, [
      roomNid,
    ])
    return rows.map(row => ({ userId: row.user_id, eventNid: row.event_nid }))
  }

  /** The first of those in a room who have one of these memberships, "ordered by stream ordering". */
  async first(roomNid: number, memberships: readonly Membership[], limit: number): Promise<string[]> {
    const parameters = [roomNid, this.#db.list(memberships), limit]
    return (await this.#db.scan<{ user_id: string }>(this.#first, parameters)).map(row => row.user_id)
  }

  /** A user's memberships that changed after `after` up to `upTo` (positions of the `events` stream). */
  async changed(userId: string, after: number, upTo: number): Promise<MembershipRow[]> {
    return (await this.#db.all<MembershipColumns>(this.#changed, [userId, after, upTo])).map(membershipRow)
  }

  /** Our own users of whom it was learnt late, after one position up to another, that they were in a room (`toldFrom`). */
  async toldBetween(after: number, upTo: number): Promise<{ roomNid: number; userId: string }[]> {
    if (await this.#news.isPlain(after, upTo)) return []
    const rows = await this.#db.all<{ room_nid: number; user_id: string }>(this.#told, [after, upTo])
    return rows.map(row => ({ roomNid: row.room_nid, userId: row.user_id }))
  }

  /** How many users have which membership. */
  async counts(roomNid: number): Promise<MembershipCounts> {
    return (await this.countsOf([roomNid])).get(roomNid) ?? {}
  }

  /** The same of several rooms; those without any are left out. */
  async countsOf(roomNids: readonly number[]): Promise<Map<number, MembershipCounts>> {
    type Columns = { room_nid: number; membership: Membership; n: number }
    const rows = await this.#db.scan<Columns>(this.#counts, [this.#db.list(roomNids)])
    const counts = new Map<number, MembershipCounts>()
    for (const { room_nid: nid, membership, n } of rows)
      counts.set(nid, { ...counts.get(nid), [membership]: n })
    return counts
  }

  /** How many are invited to these rooms; rooms to which nobody is are left out. */
  async invitedTo(roomNids: readonly number[]): Promise<Map<number, number>> {
    type Columns = { room_nid: number; n: number }
    const rows = await this.#db.scan<Columns>(this.#invited, [this.#db.list(roomNids)])
    return new Map(rows.map(row => [row.room_nid, row.n]))
  }

  /** The servers that have a joined user in the room. */
  async joinedHosts(roomNid: number): Promise<string[]> {
    return (await this.#db.scan<{ host: string }>(this.#joinedHosts, [roomNid])).map(row => row.host)
  }

  /** Whether any user of a server has this membership in the room. */
  async hasMember(roomNid: number, membership: Membership, host: string): Promise<boolean> {
    return (await this.#db.get(this.#hasMember, [roomNid, membership, host])) !== undefined
  }

  /**
   * What a user is in each of these rooms, as far as there is anything of the room here.
   * @param host the server whose rooms are those that it is in
   */
  async standingIn(roomIds: readonly string[], userId: string, host: string): Promise<StandingRow[]> {
    if (roomIds.length === 0) return []
    type Columns = { membership: Membership | null; partial: number; here: number }
    const parameters = [host, userId, this.#db.list(roomIds)]
    const rows = await this.#db.scan<Columns>(this.#standing, parameters)
    return rows.map(({ membership, partial, here }) => ({
      membership: membership ?? undefined,
      isCertain: here === 1 && (membership !== null || partial === 0),
    }))
  }

  /** Everybody who is joined to a room together with this user, the user included if joined anywhere. */
  async sharingRoomWith(userId: string): Promise<string[]> {
    return (await this.#db.scan<{ user_id: string }>(this.#shared, [userId])).map(row => row.user_id)
  }
}
