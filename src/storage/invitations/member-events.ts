import type { Prepared, Reader } from '../database.ts'

/** Events looked at in one step: most are no member events, and are not read. */
const SPAN = 2_000

/** Member events, as they come to be. */
export class MemberEventReader {
  readonly #db: Reader
  readonly #after: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#after = db.prepare(
      `SELECT event_nid, position FROM events
       WHERE position > ? AND position <= ? AND type = 'm.room.member' AND rejected IS NULL AND soft_failed = 0
       ORDER BY position LIMIT ?`,
    )
  }

  /** The nids of the next member events after a position, in order, and up to where these are all there are. */
  async after(
    position: number,
    upTo: number,
    limit: number,
  ): Promise<{ readonly nids: number[]; readonly reached: number }> {
    const end = Math.min(upTo, position + SPAN)
    const rows = await this.#db.scan<{ event_nid: number; position: number }>(this.#after, [
      position,
      end,
      limit,
    ])
    return {
      nids: rows.map(row => row.event_nid),
      reached: rows.length < limit ? end : (rows.at(-1)?.position ?? end),
    }
  }
}
