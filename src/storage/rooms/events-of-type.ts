import type { Prepared, Reader } from '../database.ts'

/** Events looked at in one step: most are of other types, and are not read. */
const SPAN = 2_000

/** Events of one type, as they come to be. */
export class EventsOfType {
  readonly #db: Reader
  readonly #type: string
  readonly #after: Prepared

  constructor(db: Reader, type: string) {
    this.#db = db
    this.#type = type
    this.#after = db.prepare(
      `SELECT event_nid, position FROM events
       WHERE position > ? AND position <= ? AND type = ? AND rejected IS NULL AND soft_failed = 0
       ORDER BY position LIMIT ?`,
    )
  }

  /** The nids of the next such events after a position, in order, and up to where these are all there are. */
  async after(
    position: number,
    upTo: number,
    limit: number,
  ): Promise<{ readonly nids: number[]; readonly reached: number }> {
    const end = Math.min(upTo, position + SPAN)
    const rows = await this.#db.scan<{ event_nid: number; position: number }>(this.#after, [
      ...[position, end, this.#type],
      limit,
    ])
    return {
      nids: rows.map(row => row.event_nid),
      reached: rows.length < limit ? end : (rows.at(-1)?.position ?? end),
    }
  }
}
