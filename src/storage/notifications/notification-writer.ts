import type { Prepared, Reader, SqlParameter, WriteStatement } from '../database.ts'
import { COLUMNS, type NotificationFact, REMOVALS, type Removal } from './notifications.ts'

/** Builds the statements that change notifications. */
export class NotificationWriter {
  readonly #put: Prepared
  readonly #remove: Prepared
  readonly #forget: Prepared
  readonly #newestOver: Prepared
  readonly #db: Reader

  constructor(db: Reader) {
    this.#db = db
    this.#put = db.prepare(
      `INSERT INTO notifications (${COLUMNS}, changed_ts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)
       ON CONFLICT (user_id, id) DO UPDATE SET kind = excluded.kind, sender = excluded.sender,
         event_id = excluded.event_id, event_position = excluded.event_position, count = excluded.count,
         details = excluded.details, ts = excluded.ts, position = excluded.position, removed = 0,
         changed_ts = excluded.changed_ts`,
    )
    this.#remove = db.prepare(
      `UPDATE notifications SET removed = ?, position = ?, changed_ts = ?
       WHERE user_id = ? AND id = ? AND removed = 0`,
    )
    // A pending invitation that was closed must not come up again.
    const over = `removed <> 0 AND changed_ts < ? AND NOT (kind = 'invitation' AND EXISTS (SELECT 1 FROM invitations i
      WHERE i.user_id = notifications.user_id AND i.room_id = notifications.room_id AND i.status = 'invited'))`
    this.#forget = db.prepare(`DELETE FROM notifications WHERE ${over}`)
    this.#newestOver = db.prepare(`SELECT MAX(position) AS position FROM notifications WHERE ${over}`)
  }

  /** Notifications that wait, new ones and renewed ones. They take positions of `notifications` from `offset` on. */
  put(facts: readonly NotificationFact[], now: number, offset = 0): WriteStatement[] {
    if (facts.length === 0) return []
    const columns = (fact: NotificationFact, index: number): SqlParameter[] => [
      ...[fact.userId, fact.id, fact.kind, fact.roomId, fact.sender],
      ...[
        fact.eventId ?? null,
        fact.eventPosition ?? null,
        fact.count,
        JSON.stringify(fact.details),
        fact.ts,
      ],
      { stream: 'notifications', offset: offset + index },
      now,
    ]
    return [{ prepared: this.#put, rows: facts.map(columns) }]
  }

  /** Notifications that wait no longer. They take positions of `notifications` from `offset` on. */
  remove(
    rows: readonly Pick<NotificationFact, 'userId' | 'id'>[],
    removal: Exclude<Removal, 'waiting'>,
    now: number,
    offset = 0,
  ): WriteStatement[] {
    if (rows.length === 0) return []
    const columns = (row: Pick<NotificationFact, 'userId' | 'id'>, index: number): SqlParameter[] => [
      REMOVALS.indexOf(removal),
      { stream: 'notifications', offset: offset + index },
      now,
      row.userId,
      row.id,
    ]
    return [{ prepared: this.#remove, rows: rows.map(columns) }]
  }

  /** The newest position of what `forget` removes; who was told of less has to be told everything. */
  async newestForgotten(before: number): Promise<number | undefined> {
    const row = await this.#db.get<{ position: number | null }>(this.#newestOver, [before])
    return row?.position ?? undefined
  }

  /** Forgets what has been over since before an instant. */
  forget(before: number): WriteStatement {
    return { prepared: this.#forget, rows: [[before]] }
  }
}
