import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** A user's subscription to a thread, or that it has ended (MSC4306). */
export interface ThreadSubscription {
  readonly roomId: string
  /** The ID of the thread's root. */
  readonly threadId: string
  readonly isSubscribed: boolean
  /** A client has made it because of an event. */
  readonly isAutomatic: boolean
  /** Where the events stood when it ended last; 0 if it never did. */
  readonly endedAt: number
  /** Of its last change, in the stream `account_data`. */
  readonly position: number
}

/** Which thread of which room, for whom. */
export interface ThreadOfUser {
  readonly userId: string
  readonly roomNid: number
  readonly threadId: string
}

interface Columns {
  room_id: string
  thread_id: string
  is_subscribed: number
  is_automatic: number
  event_position: number
  position: number
}

const subscription = (row: Columns): ThreadSubscription => ({
  roomId: row.room_id,
  threadId: row.thread_id,
  isSubscribed: row.is_subscribed === 1,
  isAutomatic: row.is_automatic === 1,
  endedAt: row.event_position,
  position: row.position,
})

const SELECT = `SELECT r.room_id, t.thread_id, t.is_subscribed, t.is_automatic, t.event_position, t.position
  FROM thread_subscriptions t JOIN rooms r ON r.room_nid = t.room_nid`

/** Reads subscriptions to threads. */
export class ThreadSubscriptionReader {
  readonly #db: Reader
  readonly #one: Prepared
  readonly #changed: Prepared
  readonly #subscribers: Prepared
  readonly #touched: Prepared
  readonly #count: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#one = db.prepare(`${SELECT} WHERE t.user_id = ? AND t.room_nid = ? AND t.thread_id = ?`)
    this.#changed = db.prepare(
      `${SELECT} WHERE t.user_id = ? AND t.position > ? AND t.position <= ? ORDER BY t.position DESC LIMIT ?`,
    )
    this.#subscribers = db.prepare(
      'SELECT user_id FROM thread_subscriptions WHERE room_nid = ? AND thread_id = ? AND is_subscribed = 1',
    )
    this.#touched = db.prepare(
      'SELECT DISTINCT user_id FROM thread_subscriptions WHERE position > ? AND position <= ?',
    )
    this.#count = db.prepare('SELECT COUNT(*) AS n FROM thread_subscriptions WHERE user_id = ?')
  }

  async one({ userId, roomNid, threadId }: ThreadOfUser): Promise<ThreadSubscription | undefined> {
    const row = await this.#db.get<Columns>(this.#one, [userId, roomNid, threadId])
    return row && subscription(row)
  }

  /** What has changed for a user after one position up to another, newest first. */
  async changed(
    userId: string,
    { after, upTo, limit }: { after: number; upTo: number; limit: number },
  ): Promise<ThreadSubscription[]> {
    return (await this.#db.scan<Columns>(this.#changed, [userId, after, upTo, limit])).map(subscription)
  }

  /** Who subscribes to a thread. */
  async subscribers(roomNid: number, threadId: string): Promise<Set<string>> {
    const rows = await this.#db.scan<{ user_id: string }>(this.#subscribers, [roomNid, threadId])
    return new Set(rows.map(row => row.user_id))
  }

  /** For whom something has changed after one position up to another. */
  async touched(after: number, upTo: number): Promise<string[]> {
    return (await this.#db.all<{ user_id: string }>(this.#touched, [after, upTo])).map(row => row.user_id)
  }

  /** How many threads a user subscribes to or has subscribed to. */
  async count(userId: string): Promise<number> {
    return (await this.#db.scan<{ n: number }>(this.#count, [userId]))[0]?.n ?? 0
  }
}

/** Builds the statements that change subscriptions. What changes nothing leaves the row as it is. */
export class ThreadSubscriptionWriter {
  readonly #subscribe: Prepared
  readonly #subscribeFor: Prepared
  readonly #end: Prepared
  readonly #dropEnded: Prepared
  readonly #deleteAll: Prepared

  constructor(db: Reader) {
    const insert = (isAutomatic: 0 | 1): string => `INSERT INTO thread_subscriptions
      (user_id, room_nid, thread_id, is_subscribed, is_automatic, event_position, position)
      VALUES (?, ?, ?, 1, ${isAutomatic}, 0, ?)
      ON CONFLICT (user_id, room_nid, thread_id) DO UPDATE
      SET is_subscribed = 1, is_automatic = ${isAutomatic}, position = excluded.position`
    this.#subscribe = db.prepare(
      `${insert(0)} WHERE thread_subscriptions.is_subscribed = 0 OR thread_subscriptions.is_automatic = 1`,
    )
    this.#subscribeFor = db.prepare(
      `${insert(1)} WHERE thread_subscriptions.is_subscribed = 0 AND thread_subscriptions.event_position < ?`,
    )
    this.#end = db.prepare(
      `UPDATE thread_subscriptions SET is_subscribed = 0, event_position = ?, position = ?
       WHERE user_id = ? AND room_nid = ? AND thread_id = ? AND is_subscribed = 1`,
    )
    this.#dropEnded = db.prepare('DELETE FROM thread_subscriptions WHERE user_id = ? AND is_subscribed = 0')
    this.#deleteAll = db.prepare('DELETE FROM thread_subscriptions WHERE user_id = ?')
  }

  /** Subscribes, because the user wants it. */
  subscribe({ userId, roomNid, threadId }: ThreadOfUser): WriteStatement {
    return { prepared: this.#subscribe, rows: [[userId, roomNid, threadId, POSITION]] }
  }

  /** Subscribes because of the event at a position, unless a subscription has ended after it. */
  subscribeFor({ userId, roomNid, threadId }: ThreadOfUser, causedAt: number): WriteStatement {
    return { prepared: this.#subscribeFor, rows: [[userId, roomNid, threadId, POSITION, causedAt]] }
  }

  /** Ends a subscription; what has happened in the room up to a position makes no new one. */
  end({ userId, roomNid, threadId }: ThreadOfUser, endedAt: number): WriteStatement {
    return { prepared: this.#end, rows: [[endedAt, POSITION, userId, roomNid, threadId]] }
  }

  /** Forgets those that have ended. */
  dropEnded(userId: string): WriteStatement {
    return { prepared: this.#dropEnded, rows: [[userId]] }
  }

  /** For an account that is gone. */
  deleteAll(userId: string): WriteStatement {
    return { prepared: this.#deleteAll, rows: [[userId]] }
  }
}

const POSITION = { stream: 'account_data', offset: 0 } as const
