import type { Prepared, Reader, WriteStatement } from './database.ts'

/** A row that somebody holds to do its work. Instants are milliseconds since 1970. */
export interface HeldRow {
  readonly key: string
  readonly dueTs: number
  /** What the table's `lane` column says; '' without one. */
  readonly lane: string
  /** Until when nobody else takes it. Also what tells this hold from any other: see `stillHeld`. */
  readonly heldUntil: number
}

/**
 * A table whose rows are due some day. It has a text column that is its key; `due_ts`, when the row is due; and
 * `wake_ts`, when somebody has to look at it next: the same as `due_ts` when it is stored, later while it is held,
 * NULL when there is nothing left to do. An index on `wake_ts` is what makes all this cheap:
 * `CREATE INDEX … ON t (wake_ts) WHERE wake_ts IS NOT NULL`.
 *
 * All names become part of the SQL: they are constants of the program.
 */
export interface DueTable {
  readonly name: string
  readonly key: string
  /** A column of text whose values tell which rows have to be done one after another. Without one: all of them. */
  readonly lane?: string
}

/** Takes what is due, so that each row is held by one process at a time. */
export class DueRows {
  readonly #db: Reader
  readonly #earliest: Prepared
  readonly #take: Prepared
  readonly #stillHeld: Prepared
  readonly #release: Prepared

  constructor(db: Reader, { name, key, lane = "CAST('' AS text)" }: DueTable) {
    this.#db = db
    this.#earliest = db.prepare(`SELECT MIN(wake_ts) AS at FROM ${name} WHERE wake_ts IS NOT NULL`)
    // Of two processes that take the same row, the second waits for the first, and then finds it taken.
    this.#take = db.prepare(
      `UPDATE ${name} SET wake_ts = ? WHERE wake_ts <= ? AND ${key} IN (
         SELECT ${key} FROM ${name} WHERE wake_ts IS NOT NULL AND wake_ts <= ? ORDER BY wake_ts LIMIT ?)
       RETURNING ${key} AS key, ${lane} AS lane, due_ts AS "dueTs", wake_ts AS "heldUntil"`,
    )
    this.#stillHeld = db.prepare(`UPDATE ${name} SET wake_ts = wake_ts WHERE ${key} = ? AND wake_ts = ?`)
    this.#release = db.prepare(`UPDATE ${name} SET wake_ts = ? WHERE ${key} = ? AND wake_ts = ?`)
  }

  /** When the next row has to be looked at; `undefined` if there is none. */
  async earliest(): Promise<number | undefined> {
    const row = await this.#db.get<{ at: number | null }>(this.#earliest)
    return row?.at ?? undefined
  }

  /** Takes at most `limit` rows that are due and that nobody holds. They come back as `HeldRow` under `returning`. */
  take(now: number, heldUntil: number, limit: number, returning: string): WriteStatement {
    return { prepared: this.#take, rows: [[heldUntil, now, now, limit]], returning }
  }

  /** Guard `no-longer-held`: the row is changed, gone, or was taken by another after the hold had run out. */
  stillHeld({ key, heldUntil }: HeldRow): WriteStatement {
    return {
      prepared: this.#stillHeld,
      rows: [[key, heldUntil]],
      guard: { name: 'no-longer-held', expected: 1 },
    }
  }

  /** Gives rows back whose work was not begun, for whoever comes first from `at` on. */
  release(held: readonly HeldRow[], at: number): WriteStatement {
    return { prepared: this.#release, rows: held.map(({ key, heldUntil }) => [at, key, heldUntil]) }
  }
}
