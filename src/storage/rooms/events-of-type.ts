import type { Prepared, Reader } from '../database.ts'
import type { EventNews } from './event-news.ts'
import { EventSteps } from './event-steps.ts'

/** Older events looked at in one step: most are of other types, and are not read. */
const STEP = 2_000

/** Events of one type, or of one of several, as they come to be. */
export class EventsOfType {
  readonly #db: Reader
  readonly #news: EventNews
  readonly #types: readonly string[]
  readonly #after: Prepared
  readonly #steps: EventSteps

  constructor(db: Reader, news: EventNews, ...types: readonly string[]) {
    this.#db = db
    this.#news = news
    this.#types = types
    this.#steps = new EventSteps(db, STEP)
    this.#after = db.prepare(
      `SELECT event_nid, position FROM events
       WHERE position > ? AND position <= ? AND type IN (${types.map(() => '?').join(', ')}) AND rejected IS NULL AND soft_failed = 0
       ORDER BY position LIMIT ?`,
    )
  }

  /** The nids of the next such events after a position, in order, and up to where these are all there are. */
  async after(
    position: number,
    upTo: number,
    limit: number,
  ): Promise<{ readonly nids: number[]; readonly reached: number }> {
    const news = await this.#news.shown(position, upTo)
    if (news !== undefined) {
      const found = news.filter(({ type }) => this.#types.includes(type)).slice(0, limit)
      const reached = found.length < limit ? upTo : (found.at(-1)?.position ?? upTo)
      return { nids: found.map(({ nid }) => nid), reached }
    }
    const end = await this.#steps.end(position, upTo)
    const rows = await this.#db.scan<{ event_nid: number; position: number }>(this.#after, [
      ...[position, end, ...this.#types],
      limit,
    ])
    return {
      nids: rows.map(row => row.event_nid),
      reached: rows.length < limit ? end : (rows.at(-1)?.position ?? end),
    }
  }
}
