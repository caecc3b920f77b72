import type { JsonObject } from '../../core/json.ts'
import type { Prepared, Reader, SqlValue } from '../database.ts'

/** What a notification is about, in the words of our interface. */
export const NOTIFICATION_KINDS = [
  'invitation',
  'invitation_declined',
  'invitation_accepted',
  'invitation_expired',
  'knock',
  'message',
  'mention',
  'conversation_requested',
  'call',
] as const
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number]

/** The kinds that follow from events which notify by push rules. */
export const MESSAGE_KINDS: readonly NotificationKind[] = ['message', 'mention', 'call']

/** The kinds that are about what goes on in a room: of one that is no more they tell nothing that anybody could act on. */
export const ROOM_KINDS: readonly NotificationKind[] = NOTIFICATION_KINDS.filter(
  kind => kind !== 'invitation' && kind !== 'invitation_expired',
)

/** A notification to be stored. Instants are milliseconds since 1970. */
export interface NotificationFact {
  readonly userId: string
  /** Follows from what it is about: see `services/notifications/subjects.ts`. */
  readonly id: string
  readonly kind: NotificationKind
  readonly roomId: string
  readonly sender: string
  readonly eventId: string | undefined
  /** In the stream `events`, if the event is part of a timeline here. */
  readonly eventPosition: number | undefined
  /** How many events it stands for. */
  readonly count: number
  /** What else clients are told of it. */
  readonly details: JsonObject
  readonly ts: number
}

/** Whether it waits, was acted on, or was closed by the user. */
export type Removal = 'waiting' | 'acted' | 'dismissed'

/** A stored notification. */
export interface NotificationRow extends NotificationFact {
  readonly position: number
  readonly removal: Removal
}

interface Columns {
  user_id: string
  id: string
  kind: NotificationKind
  room_id: string
  sender: string
  event_id: string | null
  event_position: number | null
  count: number
  details: string
  ts: number
  position: number
  removed: number
}

/** As the column `removed` counts them. */
export const REMOVALS: readonly Removal[] = ['waiting', 'acted', 'dismissed']

/** All that a notification is made of. */
export const COLUMNS =
  'user_id, id, kind, room_id, sender, event_id, event_position, count, details, ts, position, removed'

const notificationRow = (row: Columns): NotificationRow => ({
  userId: row.user_id,
  id: row.id,
  kind: row.kind,
  roomId: row.room_id,
  sender: row.sender,
  eventId: row.event_id ?? undefined,
  eventPosition: row.event_position ?? undefined,
  count: row.count,
  details: JSON.parse(row.details) as JsonObject,
  ts: row.ts,
  position: row.position,
  removal: REMOVALS[row.removed] ?? 'acted',
})

/** A place in the list, which is ordered by time, newest first. */
export interface NotificationPlace {
  readonly ts: number
  readonly id: string
}

/** Reads notifications. */
export class NotificationReader {
  readonly #db: Reader
  readonly #one: Prepared
  readonly #byIds: Prepared
  readonly #page: Prepared
  readonly #count: Prepared
  readonly #changed: Prepared
  readonly #inRoom: Prepared
  readonly #usersInRoom: Prepared
  readonly #oldest: Prepared
  readonly #expired: Prepared
  readonly #purged: Prepared

  constructor(db: Reader) {
    this.#db = db
    const select = `SELECT ${COLUMNS} FROM notifications`
    const waiting = 'removed = 0'
    this.#one = db.prepare(`${select} WHERE user_id = ? AND id = ?`)
    this.#byIds = db.prepare(`${select} WHERE user_id = ? AND ${waiting} AND ${db.dialect.inText('id')}`)
    this.#page = db.prepare(
      `${select} WHERE user_id = ? AND ${waiting} AND (ts, id) < (?, ?) AND ${db.dialect.inText('kind')}
       ORDER BY ts DESC, id DESC LIMIT ?`,
    )
    this.#count = db.prepare(
      `SELECT COUNT(*) AS n FROM notifications WHERE user_id = ? AND ${waiting} AND ${db.dialect.inText('kind')}`,
    )
    this.#changed = db.prepare(
      `${select} WHERE user_id = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?`,
    )
    this.#inRoom = db.prepare(`${select} WHERE room_id = ? AND user_id = ? AND ${waiting}`)
    this.#usersInRoom = db.prepare(
      `SELECT DISTINCT user_id FROM notifications
       WHERE room_id = ? AND ${waiting} AND ${db.dialect.inText('kind')}`,
    )
    // What folds goes first, then whatever is oldest.
    this.#oldest = db.prepare(
      `${select} WHERE user_id = ? AND ${waiting}
       ORDER BY CASE WHEN kind = 'message' THEN 0 ELSE 1 END, ts, id LIMIT ?`,
    )
    this.#expired = db.prepare(`${select} WHERE ts < ? AND kind <> 'invitation' AND ${waiting} LIMIT ?`)
    const ofRoom = `kind IN (${ROOM_KINDS.map(kind => `'${kind}'`).join(', ')})`
    this.#purged = db.prepare(
      `${select} WHERE ${waiting} AND kind <> 'invitation' AND (
           event_position <= (SELECT r.purged_to FROM rooms r WHERE r.room_id = notifications.room_id)
           OR ${ofRoom} AND NOT EXISTS (SELECT 1 FROM rooms r WHERE r.room_id = notifications.room_id)) LIMIT ?`,
    )
  }

  /** One of a user's, removed or not. */
  async one(userId: string, id: string): Promise<NotificationRow | undefined> {
    const row = await this.#db.get<Columns>(this.#one, [userId, id])
    return row && notificationRow(row)
  }

  /** Those of a user's that wait and have one of these IDs. */
  async byIds(userId: string, ids: readonly string[]): Promise<NotificationRow[]> {
    const rows = await this.#db.scan<Columns>(this.#byIds, [userId, this.#db.list(ids)])
    return rows.map(notificationRow)
  }

  /** A stretch of a user's list, newest first. */
  async page(
    userId: string,
    query: {
      readonly kinds: readonly NotificationKind[]
      readonly after: NotificationPlace | undefined
      readonly limit: number
    },
  ): Promise<NotificationRow[]> {
    const { ts, id } = query.after ?? { ts: Number.MAX_SAFE_INTEGER, id: '' }
    const kinds = this.#db.list(query.kinds)
    const rows = await this.#db.all<Columns>(this.#page, [userId, ts, id, kinds, query.limit])
    return rows.map(notificationRow)
  }

  /** How many wait. */
  async count(userId: string, kinds: readonly NotificationKind[]): Promise<number> {
    const row = await this.#db.get<{ n: number }>(this.#count, [userId, this.#db.list(kinds)])
    return row?.n ?? 0
  }

  /** What changed after one position of `notifications` up to another, removed ones included. */
  async changed(
    userId: string,
    span: { readonly after: number; readonly upTo: number; readonly limit: number },
  ): Promise<NotificationRow[]> {
    const parameters: SqlValue[] = [userId, span.after, span.upTo, span.limit]
    return (await this.#db.all<Columns>(this.#changed, parameters)).map(notificationRow)
  }

  /** What waits for a user in a room. */
  async inRoom(userId: string, roomId: string): Promise<NotificationRow[]> {
    return (await this.#db.all<Columns>(this.#inRoom, [roomId, userId])).map(notificationRow)
  }

  /** For whom something of these kinds waits in a room. */
  async usersInRoom(roomId: string, kinds: readonly NotificationKind[]): Promise<string[]> {
    const rows = await this.#db.scan<{ user_id: string }>(this.#usersInRoom, [roomId, this.#db.list(kinds)])
    return rows.map(row => row.user_id)
  }

  /** Those of a user's that are given up first, so many. */
  async oldest(userId: string, limit: number): Promise<NotificationRow[]> {
    return (await this.#db.scan<Columns>(this.#oldest, [userId, limit])).map(notificationRow)
  }

  /** Those of before an instant, at most so many; invitations wait as long as they are pending. */
  async expired(before: number, limit: number): Promise<NotificationRow[]> {
    return (await this.#db.scan<Columns>(this.#expired, [before, limit])).map(notificationRow)
  }

  /** Those whose events went with the history of their rooms, or with these, at most so many. */
  async purged(limit: number): Promise<NotificationRow[]> {
    return (await this.#db.scan<Columns>(this.#purged, [limit])).map(notificationRow)
  }
}
