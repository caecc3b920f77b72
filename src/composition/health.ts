import type { Clock } from '../core/clock.ts'
import { type Database, DatabaseUnavailable } from '../storage/database.ts'
import { Leases } from '../storage/leases.ts'
import type { OpenOptions } from '../storage/open.ts'

type Meter = NonNullable<OpenOptions['meter']>

/** The lease that is written to see whether anything can be; nobody works under it. */
const PROBE = 'health'

/** How long a commit tells that another would be stored, in milliseconds. */
const TELLING_MS = 10_000

/**
 * Whether the database takes what there is to store: a disk that is full, and a PostgreSQL that is read-only, are still read from. Found
 * out by what becomes of commits, which costs nothing. Where the last one failed, or is long ago, a write is made for it: a server that
 * is passed over gets nothing else to store, and one of several processes may have had nothing to store since before.
 */
export class Health {
  readonly #clock: Clock
  /** When something was stored last, unless what came after it was not. */
  #storedAt: number | undefined
  #probing: Promise<void> | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Watches commits on their way to who counts them. */
  watching(meter: Meter): Meter {
    return {
      committed: (sets, milliseconds) => {
        this.#storedAt = this.#clock.now()
        meter.committed(sets, milliseconds)
      },
      failed: error => {
        if (error instanceof DatabaseUnavailable) this.#storedAt = undefined
        meter.failed(error)
      },
    }
  }

  /** Makes a check that rejects while the database does not answer, or stores nothing. */
  checkOf(database: Database): () => Promise<void> {
    const prepared = database.prepare('SELECT 1 AS one')
    const leases = new Leases(database)
    const probe = async (): Promise<void> => {
      // Never held: whoever asks whether a server runs on the database goes by what is.
      const span = { now: this.#clock.now(), until: 0 }
      await database.commit({ statements: [leases.take({ name: PROBE, holder: PROBE }, span, 'probe')] })
    }
    return async () => {
      await database.get(prepared)
      if (this.#hasJustStored()) return
      this.#probing ??= probe().finally(() => {
        this.#probing = undefined
      })
      await this.#probing
    }
  }

  #hasJustStored(): boolean {
    if (this.#storedAt === undefined) return false
    const age = this.#clock.now() - this.#storedAt
    return age >= 0 && age < TELLING_MS
  }
}
