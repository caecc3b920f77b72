import { DUMMY_TYPE } from '../../core/dummy-type.ts'
import type { Prepared, Reader, WriteStatement } from '../database.ts'
import type { EventNews } from '../rooms/event-news.ts'

/** A user and a room. */
export interface InboxRoom {
  readonly userId: string
  readonly roomNid: number
}

/** Somebody has read a room, or sent something into it: up to here of the stream that tells of that. */
export interface Visit extends InboxRoom {
  readonly position: number
}

interface InboxColumns {
  user_id: string
  room_nid: number
}

interface VisitColumns extends InboxColumns {
  position: number
}

const inboxRoom = (row: InboxColumns): InboxRoom => ({ userId: row.user_id, roomNid: row.room_nid })
const visit = (row: VisitColumns): Visit => ({ ...inboxRoom(row), position: row.position })

/** Whether it is more members or more inboxes that are to be gone through is found out up to here. */
const MANY = 5_000

const MAY_UNDO = new Set(['m.room.member', 'm.room.redaction'])

/** Reads whose messages are kept as notifications, and what may have changed about them. */
export class InboxReader {
  readonly #db: Reader
  readonly #news: EventNews
  readonly #isReady: Prepared
  readonly #any: Prepared
  readonly #notified: Prepared
  readonly #inGroups: Prepared
  readonly #inGroupsOfMany: Prepared
  readonly #sizes: Prepared
  readonly #readers: Prepared
  readonly #writers: Prepared
  readonly #asked: Prepared
  readonly #events: Prepared
  readonly #receipt: Prepared

  constructor(db: Reader, news: EventNews) {
    this.#db = db
    this.#news = news
    this.#isReady = db.prepare('SELECT ready FROM notification_inboxes WHERE user_id = ?')
    this.#any = db.prepare('SELECT 1 AS one FROM notification_inboxes LIMIT 1')
    this.#notified = db.prepare(
      `SELECT DISTINCT p.user_id, p.room_nid FROM push_actions p JOIN notification_inboxes i ON i.user_id = p.user_id
       WHERE p.position > ? AND p.position <= ? AND p.silent = 0`,
    )
    // SQLite goes through cross joins in the order in which they stand: from what has notified to whom it may have.
    const among = (tables: string): string =>
      `FROM events e CROSS JOIN group_actions g CROSS JOIN ${tables} WHERE e.position > ? AND e.position <= ?
         AND g.room_nid = e.room_nid AND g.position = e.position AND m.room_nid = g.room_nid
         AND m.group_id = g.group_id AND m.since < g.position AND m.up_to >= g.position AND m.user_id <> g.sender`
    const notified = (tables: string): string =>
      `SELECT DISTINCT i.user_id, g.room_nid ${among(tables)} AND i.user_id = m.user_id`
    this.#inGroups = db.prepare(notified('group_members m CROSS JOIN notification_inboxes i'))
    this.#inGroupsOfMany = db.prepare(notified('notification_inboxes i CROSS JOIN group_members m'))
    const atMost = (rows: string): string => `(SELECT COUNT(*) FROM (${rows} LIMIT ${MANY}) counted)`
    this.#sizes = db.prepare(
      `SELECT ${atMost('SELECT 1 AS one FROM notification_inboxes')} AS inboxes,
         ${atMost(`SELECT 1 AS one ${among('group_members m')}`)} AS members`,
    )
    const isWaitedFor = `EXISTS (SELECT 1 FROM notifications n WHERE n.room_id = r.room_id
      AND n.user_id = x.user_id AND n.removed = 0)`
    this.#readers = db.prepare(
      `SELECT x.user_id, x.room_nid, MAX(x.position) AS position FROM receipts x JOIN rooms r ON r.room_nid = x.room_nid
       WHERE x.position > ? AND x.position <= ? AND ${isWaitedFor} GROUP BY x.user_id, x.room_nid`,
    )
    this.#writers = db.prepare(
      `SELECT n.user_id, e.room_nid, MAX(e.position) AS position FROM events e JOIN rooms r ON r.room_nid = e.room_nid
       JOIN notifications n ON n.room_id = r.room_id AND n.user_id = e.sender
       WHERE e.position > ? AND e.position <= ? AND e.type <> '${DUMMY_TYPE}' AND n.kind = 'conversation_requested' AND n.removed = 0
       GROUP BY n.user_id, e.room_nid`,
    )
    this.#asked = db.prepare(
      `SELECT r.room_nid, n.user_id FROM notifications n JOIN rooms r ON r.room_id = n.room_id
       WHERE n.kind = 'conversation_requested' AND n.removed = 0 AND ${db.dialect.inText('n.user_id')}`,
    )
    this.#events = db.prepare(
      `SELECT event_nid, position FROM events
       WHERE position > ? AND position <= ? AND type IN (${[...MAY_UNDO].map(type => `'${type}'`).join(', ')})
         AND rejected IS NULL AND soft_failed = 0 ORDER BY position LIMIT ?`,
    )
    this.#receipt = db.prepare(
      `SELECT MAX(event_position) AS position FROM receipts
       WHERE room_nid = ? AND user_id = ? AND type IN ('m.read', 'm.read.private') AND thread_id IN ('', 'main')`,
    )
  }

  /** Whether a user's messages are kept; `undefined` if they never asked for it, `false` if it has begun. */
  async isReady(userId: string): Promise<boolean | undefined> {
    const row = await this.#db.get<{ ready: number }>(this.#isReady, [userId])
    return row && row.ready !== 0
  }

  /** Whose messages in which rooms have come to notify them after one position of `events` up to another. */
  async notified(after: number, upTo: number): Promise<InboxRoom[]> {
    if ((await this.#db.get(this.#any)) === undefined) return []
    const single = await this.#rooms(this.#notified, after, upTo)
    const [sizes] = await this.#db.scan<{ inboxes: number; members: number }>(this.#sizes, [after, upTo])
    const areMany = (sizes?.members ?? 0) > (sizes?.inboxes ?? 0)
    const ofGroups = areMany ? this.#inGroupsOfMany : this.#inGroups
    return [...single, ...(await this.#rooms(ofGroups, after, upTo))]
  }

  /** Who has read in which rooms where something waits for them, between two positions of `receipts`. */
  readers(after: number, upTo: number): Promise<Visit[]> {
    return this.#visits(this.#readers, after, upTo)
  }

  /** Who has sent something into a room where they were asked for attention, between two positions of `events`. */
  async writers(after: number, upTo: number): Promise<Visit[]> {
    const news = await this.#news.events(after, upTo)
    if (news === undefined) return this.#visits(this.#writers, after, upTo)
    const said = news.filter(({ type }) => type !== DUMMY_TYPE)
    const senders = new Set(said.map(({ sender }) => sender))
    const asked = await this.#db.all<InboxColumns>(this.#asked, [this.#db.list([...senders])])
    return asked.map(inboxRoom).flatMap(one => {
      const last = said.findLast(({ sender, roomNid }) => sender === one.userId && roomNid === one.roomNid)
      return last === undefined ? [] : [{ ...one, position: last.position }]
    })
  }

  /** Events that may take notifications back, or make some: memberships and redactions. */
  async events(
    after: number,
    upTo: number,
    limit: number,
  ): Promise<{ readonly nid: number; readonly position: number }[]> {
    const news = await this.#news.shown(after, upTo)
    if (news !== undefined) return news.filter(({ type }) => MAY_UNDO.has(type)).slice(0, limit)
    const rows = await this.#db.all<{ event_nid: number; position: number }>(this.#events, [
      after,
      upTo,
      limit,
    ])
    return rows.map(row => ({ nid: row.event_nid, position: row.position }))
  }

  /** Up to where of a room's main timeline a user has read. */
  async readUpTo(userId: string, roomNid: number): Promise<number> {
    const row = await this.#db.get<{ position: number | null }>(this.#receipt, [roomNid, userId])
    return row?.position ?? 0
  }

  async #visits(prepared: Prepared, after: number, upTo: number): Promise<Visit[]> {
    return (await this.#db.scan<VisitColumns>(prepared, [after, upTo])).map(visit)
  }

  async #rooms(prepared: Prepared, after: number, upTo: number): Promise<InboxRoom[]> {
    return (await this.#db.scan<InboxColumns>(prepared, [after, upTo])).map(inboxRoom)
  }
}

/** Builds the statements that say whose messages are kept. */
export class InboxWriter {
  readonly #set: Prepared

  constructor(db: Reader) {
    this.#set = db.prepare(
      `INSERT INTO notification_inboxes (user_id, ready) VALUES (?, ?)
       ON CONFLICT (user_id) DO UPDATE SET ready = CASE WHEN notification_inboxes.ready > excluded.ready
         THEN notification_inboxes.ready ELSE excluded.ready END`,
    )
  }

  /** From now on a user's messages are kept; `isReady` once those of before are. */
  set(userId: string, isReady: boolean): WriteStatement {
    return { prepared: this.#set, rows: [[userId, isReady ? 1 : 0]] }
  }
}
