import type { Prepared, Reader, SqlValue } from '../database.ts'
import {
  notifying,
  notifyingParameters,
  unread,
  unreadAfter,
  unreadAfterParameters,
  unreadInRoom,
  unreadInRoomParameters,
} from './notifying.ts'
import type { PushAction, RoomPlace } from './push-action.ts'

export type { GroupAction, OwnAction, PushAction } from './push-action.ts'

/** The same with whether the user has read the event. */
export interface NotificationRow extends PushAction {
  readonly read: boolean
}

/** How much of a thread is unread. */
export interface ThreadCount {
  readonly threadId: string
  readonly notifications: number
  readonly highlights: number
}

/** What of a room a user has not read. */
export interface UnreadInRoom {
  readonly threads: readonly ThreadCount[]
  /** Up to where notifications are taken into account: the position of the newest in the room, of whomever; 0 for none. */
  readonly newest: number
  /** The position of the furthest event with a receipt of the user's, whatever its thread; 0 for none. */
  readonly readUpTo: number
}

interface UnreadColumns {
  newest: number | null
  read_up_to: number | null
  /** `null` in the one row where nothing is unread. */
  thread_id: string | null
  notifications: number
  highlights: number
}

interface Columns {
  room_nid: number
  position: number
  event_nid: number
  thread_id: string
  highlight: number
  actions: string
  ts: number
}

/** In the order of `PushAction`. */
export const PUSH_ACTION_COLUMNS = 'user_id, room_nid, position, event_nid, thread_id, highlight, actions, ts'

/**
 * What makes an event read: a receipt at or after it, of either type, for the whole room or for the event's thread
 * ("both of which are capable of clearing notifications"). The user is a parameter.
 */
export const IS_READ = `EXISTS (SELECT 1 FROM receipts r WHERE r.room_nid = a.room_nid AND r.user_id = ?
  AND r.type IN ('m.read', 'm.read.private') AND r.thread_id IN ('', a.thread_id) AND r.event_position >= a.position)`

/** A badge that says more than this says no more. */
const MAX_BADGE = 9_999
/** Unread events among which missed calls are looked for. */
const MAX_LOOKED_AT = 500

const pushAction = (userId: string, row: Columns): PushAction => ({
  userId,
  roomNid: row.room_nid,
  position: row.position,
  eventNid: row.event_nid,
  threadId: row.thread_id,
  highlight: row.highlight !== 0,
  actions: row.actions,
  ts: row.ts,
})

/**
 * Reads what notifies whom. What is unread follows from the receipts, at the moment of asking. There is no index by user and
 * position, which each message would have to pay for with each whom it notifies: what is asked in that order goes through all that
 * a user has, and is a long read.
 */
export class PushActionReader {
  readonly #db: Reader
  readonly #unread: Prepared
  readonly #total: Prepared
  readonly #missedCalls: Prepared
  readonly #page: Prepared
  readonly #unreadAfter: Prepared
  readonly #ofSenders: Prepared

  constructor(db: Reader) {
    this.#db = db
    const receipts = `FROM receipts r WHERE r.room_nid = ? AND r.user_id = ? AND r.type IN ('m.read', 'm.read.private')`
    // One statement, so that all of it is of one moment.
    this.#unread = db.prepare(
      `SELECT known.newest, known.read_up_to, unread.thread_id, unread.notifications, unread.highlights
       FROM (SELECT (SELECT MAX(position) FROM (
           SELECT MAX(position) AS position FROM push_actions WHERE user_id = ? AND room_nid = ?
           UNION ALL SELECT MAX(position) AS position FROM group_actions WHERE room_nid = ?) newest_of_all) AS newest,
         (SELECT MAX(r.event_position) ${receipts}) AS read_up_to) known
       LEFT JOIN (
         SELECT a.thread_id, COUNT(*) AS notifications, SUM(a.highlight) AS highlights
         FROM ${unreadInRoom()} a WHERE NOT ${IS_READ} GROUP BY a.thread_id) unread ON 1 = 1`,
    )
    this.#total = db.prepare(
      `SELECT COUNT(*) AS n FROM (
         SELECT 1 AS one FROM ${unread()} a WHERE NOT ${IS_READ} LIMIT ${MAX_BADGE}) unread`,
    )
    this.#missedCalls = db.prepare(
      `SELECT COUNT(*) AS n FROM (
         SELECT a.event_nid, a.room_nid, a.position FROM ${unread('AND ts <= ?')} a
         WHERE NOT ${IS_READ} ORDER BY a.position DESC LIMIT ${MAX_LOOKED_AT}) unread
       JOIN events e ON e.event_nid = unread.event_nid
       WHERE e.type = 'm.call.invite' AND NOT EXISTS (SELECT 1 FROM events b WHERE b.room_nid = unread.room_nid
         AND b.position > unread.position AND b.sender = ? AND b.type = 'm.call.answer')`,
    )
    this.#page = db.prepare(
      `SELECT a.*, CASE WHEN ${IS_READ} THEN 1 ELSE 0 END AS is_read
       FROM ${notifying('AND position < ? AND highlight >= ?')} a ORDER BY a.position DESC LIMIT ?`,
    )
    this.#unreadAfter = db.prepare(
      `SELECT a.* FROM ${unreadAfter('AND position <= ?')} a
       WHERE NOT ${IS_READ} ORDER BY a.position LIMIT ?`,
    )
    this.#ofSenders = db.prepare(
      `SELECT a.room_nid, a.position FROM ${notifying()} a CROSS JOIN events e
       WHERE e.event_nid = a.event_nid AND ${db.dialect.inText('e.sender')}`,
    )
  }

  /** What is unread in a room, by thread; threads without anything are left out. */
  async unread(userId: string, roomNid: number): Promise<UnreadInRoom> {
    const receipts = [roomNid, userId]
    const rows = await this.#db.all<UnreadColumns>(this.#unread, [
      ...[userId, roomNid, roomNid, ...receipts],
      ...[...unreadInRoomParameters(userId, roomNid), userId],
    ])
    return {
      threads: rows.flatMap(({ thread_id: threadId, notifications, highlights }) =>
        threadId === null ? [] : { threadId, notifications, highlights },
      ),
      newest: rows[0]?.newest ?? 0,
      readUpTo: rows[0]?.read_up_to ?? 0,
    }
  }

  /** What is unread in all rooms together, up to 9,999. */
  async total(userId: string): Promise<number> {
    return (
      (await this.#db.scan<{ n: number }>(this.#total, [...notifyingParameters(userId), userId]))[0]?.n ?? 0
    )
  }

  /**
   * How many calls of before an instant (ms) a user has neither answered nor read of, among the newest of what they have
   * not read.
   */
  async missedCalls(userId: string, before: number): Promise<number> {
    const parameters = [...notifyingParameters(userId, [before]), userId, userId]
    return (await this.#db.scan<{ n: number }>(this.#missedCalls, parameters))[0]?.n ?? 0
  }

  /** A user's notifications before a position, newest first, read or not. */
  async page(
    userId: string,
    { before, onlyHighlights, limit }: { before: number; onlyHighlights: boolean; limit: number },
  ): Promise<NotificationRow[]> {
    const chosen = notifyingParameters(userId, [before, onlyHighlights ? 1 : 0])
    const parameters: SqlValue[] = [userId, ...chosen, limit]
    const rows = await this.#db.scan<Columns & { is_read: number }>(this.#page, parameters)
    return rows.map(row => ({ ...pushAction(userId, row), read: row.is_read !== 0 }))
  }

  /** Where what notifies a user stands that some people have sent. */
  async ofSenders(userId: string, senders: readonly string[]): Promise<RoomPlace[]> {
    const parameters = [...notifyingParameters(userId), this.#db.list(senders)]
    const rows = await this.#db.scan<{ room_nid: number; position: number }>(this.#ofSenders, parameters)
    return rows.map(row => ({ roomNid: row.room_nid, position: row.position }))
  }

  /** A user's unread notifications after a position up to another, oldest first. */
  async unreadAfter(
    userId: string,
    span: { after: number; upTo: number; limit: number },
  ): Promise<PushAction[]> {
    const parameters = [...unreadAfterParameters(userId, span.after, [span.upTo]), userId, span.limit]
    return (await this.#db.scan<Columns>(this.#unreadAfter, parameters)).map(row => pushAction(userId, row))
  }
}
