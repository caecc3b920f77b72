import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** Guard of `within`. */
export const RECENT = 'media-recent'

const BYTES = `(SELECT COALESCE(SUM(m.size), 0) FROM media m WHERE m.user_id = ? AND m.created_ts > ?)`

/** What users have uploaded lately, and is still there. */
export class RecentUploads {
  readonly #db: Reader
  readonly #bytes: Prepared
  readonly #within: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#bytes = db.prepare(`SELECT ${BYTES} AS bytes`)
    // Whoever uploads has a row, which concurrent uploads of theirs wait for.
    this.#within = db.prepare(`UPDATE media_usage SET files = files WHERE user_id = ? AND ${BYTES} <= ?`)
  }

  /** Bytes of a user's files since an instant (ms since 1970). */
  async bytes(userId: string, since: number): Promise<number> {
    const row = await this.#db.get<{ bytes: number | string }>(this.#bytes, [userId, since])
    return Number(row?.bytes ?? 0)
  }

  /** To be stored after a file of the user. Guard `RECENT`: with it, they have uploaded more than `limit` bytes since. */
  within(userId: string, since: number, limit: number): WriteStatement {
    return {
      prepared: this.#within,
      rows: [[userId, userId, since, limit]],
      guard: { name: RECENT, expected: 1 },
    }
  }
}
