import type { Prepared, Reader, WriteStatement } from '../database.ts'
import { OPEN } from './group-members.ts'

/** Notifications of a room's group, highlights and others apart. */
export interface GroupOfRoom {
  readonly roomNid: number
  readonly groupId: number
  readonly highlight: boolean
}

interface GroupColumns {
  room_nid: number
  group_id: number
  highlight: number
}

interface SingleColumns {
  user_id: string
  room_nid: number
  highlight: number
}

/** Finds out where there are too many notifications, and builds the statements that forget some. */
export class PushActionBounds {
  readonly #db: Reader
  readonly #newestBefore: Prepared
  readonly #groupsBefore: Prepared
  readonly #firstUnread: Prepared
  readonly #crowded: Prepared
  readonly #crowdedGroups: Prepared
  readonly #expire: Prepared
  readonly #expireOfGroups: Prepared
  readonly #forgetSilence: Prepared
  readonly #bound: Prepared
  readonly #boundGroup: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#newestBefore = db.prepare('SELECT MAX(position) AS newest FROM push_actions WHERE ts < ?')
    this.#groupsBefore = db.prepare('SELECT DISTINCT room_nid, group_id FROM group_actions WHERE ts < ?')
    this.#firstUnread = db.prepare(
      `SELECT MIN(first.position) AS position FROM (
         SELECT (SELECT g.position FROM group_actions g WHERE g.room_nid = m.room_nid AND g.group_id = m.group_id
             AND g.position > (SELECT MAX(low.position) FROM (SELECT m.since AS position
               UNION ALL SELECT r.event_position FROM receipts r WHERE r.room_nid = m.room_nid AND r.user_id = m.user_id
                 AND r.type IN ('m.read', 'm.read.private') AND r.thread_id IN ('', 'main')) low)
             AND g.thread_id = 'main' AND g.sender <> m.user_id ORDER BY g.position LIMIT 1) AS position
         FROM group_members m WHERE m.room_nid = ? AND m.up_to = ${OPEN} AND m.group_id = ?) first`,
    )
    this.#crowded = db.prepare(
      `SELECT user_id, room_nid, highlight FROM push_actions WHERE silent = 0
       GROUP BY user_id, room_nid, highlight HAVING COUNT(*) > ?`,
    )
    this.#crowdedGroups = db.prepare(
      `SELECT room_nid, group_id, highlight FROM group_actions
       GROUP BY room_nid, group_id, highlight HAVING COUNT(*) > ?`,
    )
    const isRead = (table: string, userId: string): string => `EXISTS (SELECT 1 FROM receipts r
      WHERE r.room_nid = ${table}.room_nid AND r.user_id = ${userId} AND r.type IN ('m.read', 'm.read.private')
      AND r.thread_id IN ('', ${table}.thread_id) AND r.event_position >= ${table}.position)`
    const sameOfGroup = `SELECT 1 FROM group_actions g
      WHERE g.room_nid = push_actions.room_nid AND g.position = push_actions.position`
    // What an event is to one of a group stays as long as what it is to the group: that would count for them instead.
    this.#expire = db.prepare(
      `DELETE FROM push_actions WHERE position <= ? AND silent = 0 AND ${isRead('push_actions', 'push_actions.user_id')}
       AND NOT EXISTS (${sameOfGroup})`,
    )
    const unreadBy = (which: string): string => `EXISTS (SELECT 1 FROM group_members m
      WHERE m.room_nid = group_actions.room_nid AND m.group_id = group_actions.group_id AND ${which}
      AND m.since < group_actions.position AND m.user_id <> group_actions.sender AND NOT ${isRead('group_actions', 'm.user_id')})`
    this.#expireOfGroups = db.prepare(
      `DELETE FROM group_actions WHERE room_nid = ? AND group_id = ? AND position < ? AND ts < ?
       AND NOT ${unreadBy(`m.up_to >= group_actions.position AND m.up_to < ${OPEN}`)}
       AND (thread_id = 'main' OR NOT ${unreadBy(`m.up_to = ${OPEN}`)})`,
    )
    this.#forgetSilence = db.prepare(
      `DELETE FROM push_actions WHERE silent = 1 AND NOT EXISTS (${sameOfGroup})`,
    )
    const oldest = `SELECT b.position FROM push_actions b WHERE b.user_id = ? AND b.room_nid = ? AND b.highlight = ?
      AND b.silent = 0 ORDER BY b.position DESC LIMIT 1 OFFSET ?`
    this.#bound = db.prepare(
      `DELETE FROM push_actions WHERE user_id = ? AND room_nid = ? AND highlight = ? AND silent = 0
       AND position <= (${oldest}) AND NOT EXISTS (${sameOfGroup})`,
    )
    this.#boundGroup = db.prepare(
      `DELETE FROM group_actions WHERE room_nid = ? AND group_id = ? AND highlight = ? AND position <= (
         SELECT b.position FROM group_actions b WHERE b.room_nid = ? AND b.group_id = ? AND b.highlight = ?
         ORDER BY b.position DESC LIMIT 1 OFFSET ?)`,
    )
  }

  /**
   * What groups were found to be notified of before an instant (ms) and all of them have read is forgotten: group by group. Messages are
   * looked through only up to the first of the main timeline that somebody has not read, else all of them would be gone through for all of
   * the group each time, as long as one is away.
   */
  async expiredOfGroups(before: number): Promise<WriteStatement[]> {
    const groups = await this.#db.scan<Omit<GroupColumns, 'highlight'>>(this.#groupsBefore, [before])
    const statements: WriteStatement[] = []
    for (const { room_nid: roomNid, group_id: groupId } of groups) {
      const [first] = await this.#db.scan<{ position: number | null }>(this.#firstUnread, [roomNid, groupId])
      const bound = first?.position ?? Number.MAX_SAFE_INTEGER
      statements.push({ prepared: this.#expireOfGroups, rows: [[roomNid, groupId, bound, before]] })
    }
    return statements
  }

  /** The same of what single users were. */
  async expired(before: number): Promise<WriteStatement[]> {
    const [row] = await this.#db.scan<{ newest: number | null }>(this.#newestBefore, [before])
    return row?.newest == null ? [] : [{ prepared: this.#expire, rows: [[row.newest]] }]
  }

  /** Where users have more than `keep` notifications of their own, highlights and others apart. */
  async crowded(keep: number): Promise<{ userId: string; roomNid: number; highlight: boolean }[]> {
    const rows = await this.#db.scan<SingleColumns>(this.#crowded, [keep])
    return rows.map(row => ({ userId: row.user_id, roomNid: row.room_nid, highlight: row.highlight !== 0 }))
  }

  /** The same of groups. */
  async crowdedGroups(keep: number): Promise<GroupOfRoom[]> {
    const rows = await this.#db.scan<GroupColumns>(this.#crowdedGroups, [keep])
    return rows.map(row => ({ roomNid: row.room_nid, groupId: row.group_id, highlight: row.highlight !== 0 }))
  }

  /** Keeps the newest. */
  bound(row: { userId: string; roomNid: number; highlight: boolean }, keep: number): WriteStatement {
    const which = [row.userId, row.roomNid, row.highlight ? 1 : 0]
    return { prepared: this.#bound, rows: [[...which, ...which, keep]] }
  }

  /** The same for a group. */
  boundGroup({ roomNid, groupId, highlight }: GroupOfRoom, keep: number): WriteStatement {
    const which = [roomNid, groupId, highlight ? 1 : 0]
    return { prepared: this.#boundGroup, rows: [[...which, ...which, keep]] }
  }

  /** Forgets that events are nothing to some of a group which are no longer kept for the group. */
  forgetSilence(): WriteStatement {
    return { prepared: this.#forgetSilence, rows: [[]] }
  }
}
