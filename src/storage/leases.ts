import type { Prepared, Reader, WriteStatement } from './database.ts'

/**
 * Tells processes that share a database which of them does what only one may do. Whoever holds a lease has a number, the
 * fence, which grows with every change of hands: what is committed together with `stillHeld` is never the work of one who
 * has lost the lease without having noticed.
 */
export class Leases {
  readonly #take: Prepared
  readonly #stillHeld: Prepared
  readonly #release: Prepared
  readonly #releaseAll: Prepared
  readonly #held: Prepared
  readonly #db: Reader

  constructor(db: Reader) {
    this.#db = db
    this.#take = db.prepare(
      `INSERT INTO leases (name, holder, fence, held_until_ts) VALUES (?, ?, 1, ?)
       ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until_ts = excluded.held_until_ts,
         fence = leases.fence + CASE WHEN leases.holder = excluded.holder THEN 0 ELSE 1 END
       WHERE leases.holder = excluded.holder OR leases.held_until_ts <= ?
       RETURNING fence`,
    )
    this.#stillHeld = db.prepare('UPDATE leases SET name = name WHERE name = ? AND holder = ? AND fence = ?')
    this.#release = db.prepare(
      'UPDATE leases SET held_until_ts = ? WHERE name = ? AND holder = ? AND fence = ?',
    )
    this.#releaseAll = db.prepare(
      'UPDATE leases SET held_until_ts = ? WHERE holder = ? AND held_until_ts > ? RETURNING name',
    )
    this.#held = db.prepare('SELECT holder, held_until_ts FROM leases WHERE name = ?')
  }

  /**
   * Takes a lease, or holds it for longer, until `until` (milliseconds since 1970). Its fence comes back as a row
   * `{fence}` under `returning`; no row if another holds it beyond `now`.
   */
  take(
    lease: { readonly name: string; readonly holder: string },
    { now, until }: { now: number; until: number },
    returning: string,
  ): WriteStatement {
    return { prepared: this.#take, rows: [[lease.name, lease.holder, until, now]], returning }
  }

  /** Guard `lease`: another has taken it since. */
  stillHeld(lease: {
    readonly name: string
    readonly holder: string
    readonly fence: number
  }): WriteStatement {
    const { name, holder, fence } = lease
    return {
      prepared: this.#stillHeld,
      rows: [[name, holder, fence]],
      guard: { name: 'lease', expected: 1 },
    }
  }

  /** Lets another take it from `now` on. */
  release(
    lease: { readonly name: string; readonly holder: string; readonly fence: number },
    now: number,
  ): WriteStatement {
    return { prepared: this.#release, rows: [[now, lease.name, lease.holder, lease.fence]] }
  }

  /** Lets others take at once whatever a process holds that has died: rows `{name}` under `returning`. */
  releaseAll(holder: string, now: number, returning: string): WriteStatement {
    return { prepared: this.#releaseAll, rows: [[now, holder, now]], returning }
  }

  /** Who has held, or holds, a lease, and until when (milliseconds since 1970); `undefined` if nobody ever did. */
  async held(name: string): Promise<{ readonly holder: string; readonly until: number } | undefined> {
    const row = await this.#db.get<{ holder: string; held_until_ts: number }>(this.#held, [name])
    return row && { holder: row.holder, until: row.held_until_ts }
  }
}
