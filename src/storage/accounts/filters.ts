import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** Reads filters. */
export class FilterReader {
  readonly #db: Reader
  readonly #byId: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#byId = db.prepare('SELECT content FROM filters WHERE user_id = ? AND filter_id = ?')
  }

  /** A filter's definition, as JSON text. */
  async content(userId: string, filterId: string): Promise<string | undefined> {
    return (await this.#db.get<{ content: string }>(this.#byId, [userId, filterId]))?.content
  }
}

/** Builds the statements that change filters. */
export class FilterWriter {
  readonly #set: Prepared
  readonly #bound: Prepared
  readonly #deleteAll: Prepared

  constructor(db: Reader) {
    this.#set = db.prepare(
      `INSERT INTO filters (user_id, filter_id, content, used_ts) VALUES (?, ?, ?, ?)
       ON CONFLICT (user_id, filter_id) DO UPDATE SET used_ts = excluded.used_ts`,
    )
    this.#bound = db.prepare(
      `DELETE FROM filters WHERE user_id = ? AND used_ts <
         (SELECT used_ts FROM filters WHERE user_id = ? ORDER BY used_ts DESC LIMIT 1 OFFSET ?)`,
    )
    this.#deleteAll = db.prepare('DELETE FROM filters WHERE user_id = ?')
  }

  /** Stores a filter, or notes that it is in use. Those longest out of use, beyond `keep`, are dropped. */
  set(userId: string, filterId: string, content: string, now: number, keep: number): WriteStatement[] {
    return [
      { prepared: this.#set, rows: [[userId, filterId, content, now]] },
      { prepared: this.#bound, rows: [[userId, userId, keep - 1]] },
    ]
  }

  /** Removes everything, for an erased account. */
  deleteAll(userId: string): WriteStatement {
    return { prepared: this.#deleteAll, rows: [[userId]] }
  }
}
