import type { Prepared, Reader, WriteStatement } from './database.ts'

/** Something that a process has told all others. `content` is JSON. */
export interface BulletinRow {
  readonly position: number
  readonly topic: string
  readonly content: string
}

/** What processes that share a database tell each other, in the order of the stream `bulletins`. */
export class Bulletins {
  readonly #db: Reader
  readonly #insert: Prepared
  readonly #between: Prepared
  readonly #before: Prepared
  readonly #expire: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#insert = db.prepare(
      'INSERT INTO bulletins (position, topic, content, posted_ts) VALUES (?, ?, ?, ?)',
    )
    this.#between = db.prepare(
      'SELECT position, topic, content FROM bulletins WHERE position > ? AND position <= ? ORDER BY position LIMIT ?',
    )
    this.#before = db.prepare('SELECT MAX(position) AS position FROM bulletins WHERE posted_ts < ?')
    this.#expire = db.prepare('DELETE FROM bulletins WHERE posted_ts < ? AND position <= ?')
  }

  /** Tells all processes; `content` is JSON, `now` milliseconds since 1970. One statement of a write set at most. */
  post(all: readonly { readonly topic: string; readonly content: string }[], now: number): WriteStatement {
    return {
      prepared: this.#insert,
      rows: all.map(({ topic, content }, offset) => [{ stream: 'bulletins', offset }, topic, content, now]),
    }
  }

  /** What was told after one position up to another, in order; at most `limit`. */
  between(after: number, upTo: number, limit: number): Promise<BulletinRow[]> {
    return this.#db.all<BulletinRow>(this.#between, [after, upTo, limit])
  }

  /** The position of the last that was told before an instant, of those that are kept. */
  async lastBefore(ts: number): Promise<number | undefined> {
    return (await this.#db.get<{ position: number | null }>(this.#before, [ts]))?.position ?? undefined
  }

  /** Removes what was told before an instant, up to a position. */
  expire(before: number, upTo: number): WriteStatement {
    return { prepared: this.#expire, rows: [[before, upTo]] }
  }
}
