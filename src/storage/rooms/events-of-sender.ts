import type { Prepared, Reader } from '../database.ts'

/** Which of somebody's events in a room. Instants are milliseconds since 1970. */
export interface SenderQuery {
  readonly roomNid: number
  readonly sender: string
  readonly types: readonly string[]
  /** Sent at or after, and at or before. */
  readonly fromTs: number
  readonly toTs: number
  /** Before this position of the timeline. */
  readonly before: number
  readonly limit: number
}

/** Reads what somebody has sent into a room. */
export class EventsOfSender {
  readonly #db: Reader
  readonly #page: Prepared
  readonly #redacted: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#page = db.prepare(
      `SELECT e.event_nid, e.position FROM events e
       WHERE e.room_nid = ? AND e.position < ? AND e.rejected IS NULL AND e.soft_failed = 0 AND e.sender = ?
         AND e.redacted_by IS NULL AND ${db.dialect.inText('e.type')} AND e.origin_server_ts >= ? AND e.origin_server_ts <= ?
       ORDER BY e.position DESC LIMIT ?`,
    )
    this.#redacted = db.prepare(
      'SELECT event_nid, position, type FROM events WHERE room_nid = ? AND position < ? AND sender = ? AND redacted_by = ?',
    )
  }

  /** What is not redacted, newest first. */
  async page(query: SenderQuery): Promise<{ nid: number; position: number }[]> {
    const { roomNid, sender, types, fromTs, toTs, before, limit } = query
    const rows = await this.#db.scan<{ event_nid: number; position: number }>(this.#page, [
      ...[roomNid, before, sender, this.#db.list(types), fromTs, toTs, limit],
    ])
    return rows.map(({ event_nid: nid, position }) => ({ nid, position }))
  }

  /** What was redacted by one event at a position, of what came before it. */
  async redacted(
    { roomNid, sender }: Pick<SenderQuery, 'roomNid' | 'sender'>,
    by: { readonly nid: number; readonly position: number },
  ): Promise<{ nid: number; position: number; type: string }[]> {
    const parameters = [roomNid, by.position, sender, by.nid]
    type Columns = { event_nid: number; position: number; type: string }
    const rows = await this.#db.scan<Columns>(this.#redacted, parameters)
    return rows.map(({ event_nid: nid, position, type }) => ({ nid, position, type }))
  }
}
