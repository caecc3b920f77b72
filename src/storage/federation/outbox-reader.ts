import type { Prepared, Reader } from '../database.ts'
import type { EventNews } from '../rooms/event-news.ts'

/** A server that has something left to be sent, or does not answer. Instants are milliseconds since 1970. */
export interface FailingDestination {
  readonly server: string
  readonly failures: number
  readonly firstFailedAt: number
  readonly lastFailedAt: number
  readonly retryAt: number
}

/** What a server has not acknowledged of a room: positions in the `events` stream, both inclusive. */
export interface PendingRoom {
  readonly roomNid: number
  readonly since: number
  readonly newest: number
}

/** An event as far as the sender has to know it to decide whether to load it. */
export interface OutgoingRow {
  readonly nid: number
  readonly roomNid: number
  readonly position: number
  readonly sender: string
}

interface OutgoingColumns {
  event_nid: number
  room_nid: number
  position: number
  sender: string
}

const outgoing = (row: OutgoingColumns): OutgoingRow => ({
  nid: row.event_nid,
  roomNid: row.room_nid,
  position: row.position,
  sender: row.sender,
})

/** Reads what is to be sent to other servers. */
export class OutboxReader {
  readonly #db: Reader
  readonly #news: EventNews | undefined
  readonly #distributed: Prepared
  readonly #failing: Prepared
  readonly #isFailing: Prepared
  readonly #pendingServers: Prepared
  readonly #pendingRooms: Prepared
  readonly #edus: Prepared
  readonly #edusAt: Prepared
  readonly #eduServers: Prepared
  readonly #events: Prepared
  readonly #inRoom: Prepared
  readonly #atPositions: Prepared
  readonly #hostsWithout: Prepared
  readonly #hasOthers: Prepared
  readonly #waitsInRoom: Prepared
  readonly #hosts: Prepared

  /** @param news for who follows the stream of events */
  constructor(db: Reader, news?: EventNews) {
    this.#db = db
    this.#news = news
    const columns = 'SELECT event_nid, room_nid, position, sender FROM events WHERE'
    const shown = 'rejected IS NULL AND soft_failed = 0'
    this.#distributed = db.prepare('SELECT position FROM federation_sender WHERE id = 1')
    this.#failing = db.prepare(
      `SELECT server, failures, first_failed_ts, last_failed_ts, retry_ts FROM federation_destinations
       WHERE retry_ts IS NOT NULL`,
    )
    this.#isFailing = db.prepare(
      'SELECT 1 AS one FROM federation_destinations WHERE server = ? AND retry_ts IS NOT NULL',
    )
    this.#pendingServers = db.prepare(
      'SELECT server FROM federation_destination_rooms UNION SELECT server FROM federation_edu_destinations',
    )
    this.#pendingRooms = db.prepare(
      `SELECT room_nid, since, position FROM federation_destination_rooms WHERE server = ?
       ORDER BY position LIMIT ?`,
    )
    this.#edus = db.prepare(
      `SELECT d.position, e.payload FROM federation_edu_destinations d
       JOIN federation_edus e ON e.position = d.position WHERE d.server = ? ORDER BY d.position LIMIT ?`,
    )
    this.#edusAt = db.prepare(
      `SELECT e.payload FROM federation_edu_destinations d
       JOIN federation_edus e ON e.position = d.position
       WHERE d.server = ? AND ${db.dialect.inInteger('d.position')} ORDER BY d.position`,
    )
    this.#eduServers = db.prepare(
      'SELECT DISTINCT server FROM federation_edu_destinations WHERE position > ? AND position <= ?',
    )
    this.#events = db.prepare(
      `${columns} position > ? AND position <= ? AND ${shown} ORDER BY position LIMIT ?`,
    )
    this.#inRoom = db.prepare(
      `${columns} room_nid = ? AND position >= ? AND position <= ? AND ${shown} ORDER BY position LIMIT ?`,
    )
    this.#waitsInRoom = db.prepare(
      'SELECT 1 AS one FROM federation_destination_rooms WHERE room_nid = ? LIMIT 1',
    )
    this.#atPositions = db.prepare(`${columns} ${db.dialect.inInteger('position')} AND ${shown}`)
    this.#hosts = db.prepare(
      `SELECT host FROM memberships WHERE membership = 'join' GROUP BY host ORDER BY COUNT(*) DESC, host LIMIT ?`,
    )
    const others = `membership = 'join' AND NOT (${db.dialect.inText('user_id')})`
    this.#hostsWithout = db.prepare(`SELECT DISTINCT host FROM memberships WHERE room_nid = ? AND ${others}`)
    this.#hasOthers = db.prepare(
      `SELECT 1 AS one FROM memberships WHERE room_nid = ? AND host = ? AND ${others} LIMIT 1`,
    )
  }

  /** How far the stream of events has been distributed to destinations. */
  async distributed(): Promise<number> {
    return (await this.#db.get<{ position: number }>(this.#distributed))?.position ?? 0
  }

  /** All servers that do not answer at present. */
  async failing(): Promise<FailingDestination[]> {
    const rows = await this.#db.scan<{
      server: string
      failures: number
      first_failed_ts: number | null
      last_failed_ts: number | null
      retry_ts: number
    }>(this.#failing)
    return rows.map(row => ({
      server: row.server,
      failures: row.failures,
      firstFailedAt: row.first_failed_ts ?? 0,
      lastFailedAt: row.last_failed_ts ?? 0,
      retryAt: row.retry_ts,
    }))
  }

  /** Whether a server does not answer at present. */
  async isFailing(server: string): Promise<boolean> {
    return (await this.#db.get(this.#isFailing, [server])) !== undefined
  }

  /** All servers to which something is left to be sent. */
  async pendingServers(): Promise<string[]> {
    return (await this.#db.scan<{ server: string }>(this.#pendingServers)).map(row => row.server)
  }

  /** Rooms with something left for a server, the longest silent first. */
  async pendingRooms(server: string, limit: number): Promise<PendingRoom[]> {
    const rows = await this.#db.scan<{ room_nid: number; since: number; position: number }>(
      this.#pendingRooms,
      [server, limit],
    )
    return rows.map(row => ({ roomNid: row.room_nid, since: row.since, newest: row.position }))
  }

  /** The oldest kept EDUs for a server, as JSON texts. */
  async edus(server: string, limit: number): Promise<{ position: number; payload: string }[]> {
    return this.#db.all<{ position: number; payload: string }>(this.#edus, [server, limit])
  }

  /** Of a server's kept EDUs at these positions those that are still to be sent, as JSON texts. */
  async edusAt(server: string, positions: readonly number[]): Promise<string[]> {
    const rows = await this.#db.all<{ payload: string }>(this.#edusAt, [server, this.#db.list(positions)])
    return rows.map(row => row.payload)
  }

  /** The servers for which EDUs were kept after one position up to another. */
  async eduServers(after: number, upTo: number): Promise<string[]> {
    return (await this.#db.scan<{ server: string }>(this.#eduServers, [after, upTo])).map(row => row.server)
  }

  /** The shown events of all rooms after one position up to another. */
  async events(after: number, upTo: number, limit: number): Promise<readonly OutgoingRow[]> {
    const news = await this.#news?.shown(after, upTo)
    if (news !== undefined) return news.slice(0, limit)
    return (await this.#db.all<OutgoingColumns>(this.#events, [after, upTo, limit])).map(outgoing)
  }

  /** The shown events of a room, both positions inclusive. */
  async eventsInRoom({ roomNid, since, newest }: PendingRoom, limit: number): Promise<OutgoingRow[]> {
    return (await this.#db.all<OutgoingColumns>(this.#inRoom, [roomNid, since, newest, limit])).map(outgoing)
  }

  /** The shown events at these positions. */
  async eventsAt(positions: readonly number[]): Promise<OutgoingRow[]> {
    const rows = await this.#db.scan<OutgoingColumns>(this.#atPositions, [this.#db.list(positions)])
    return rows.map(outgoing)
  }

  /** Whether all servers have acknowledged what they were to get of a room up to a position. */
  async isDelivered(roomNid: number, upTo: number): Promise<boolean> {
    if ((await this.distributed()) < upTo) return false
    return (await this.#db.scan(this.#waitsInRoom, [roomNid])).length === 0
  }

  /** The servers whose users are in rooms here, those with the most first. */
  async hostsByMembers(limit: number): Promise<string[]> {
    return (await this.#db.scan<{ host: string }>(this.#hosts, [limit])).map(row => row.host)
  }

  /** The servers that have a joined user in a room, not counting some users. */
  async joinedHostsWithout(roomNid: number, users: readonly string[]): Promise<string[]> {
    const rows = await this.#db.scan<{ host: string }>(this.#hostsWithout, [roomNid, this.#db.list(users)])
    return rows.map(row => row.host)
  }

  /** Those of a few servers that have, which costs the same whoever else is in the room. */
  async joinedAmong(hosts: Iterable<string>, roomNid: number, without: readonly string[]): Promise<string[]> {
    const users = this.#db.list(without)
    const found = [...hosts].map(async host =>
      (await this.#db.get(this.#hasOthers, [roomNid, host, users])) === undefined ? [] : host,
    )
    return (await Promise.all(found)).flat()
  }
}
