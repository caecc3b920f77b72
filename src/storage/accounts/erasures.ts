import type { Prepared, Reader } from '../database.ts'

/** Somebody who wanted their content erased, and the newest event there was then (position of the stream `events`). */
export interface Erasure {
  readonly userId: string
  readonly position: number
}

/** Reads whose content was to be erased. */
export class ErasureReader {
  readonly #db: Reader
  readonly #since: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#since = db.prepare(
      'SELECT user_id, erased_position FROM users WHERE erased_position >= ? ORDER BY erased_position',
    )
  }

  /** Erasures at or after a position. */
  async since(position: number): Promise<Erasure[]> {
    const rows = await this.#db.all<{ user_id: string; erased_position: number }>(this.#since, [position])
    return rows.map(row => ({ userId: row.user_id, position: row.erased_position }))
  }
}
