import type { Clock } from '../core/clock.ts'
import { type Database, DatabaseUnavailable } from '../storage/database.ts'
import { Leases } from '../storage/leases.ts'
import type { OpenOptions } from '../storage/open.ts'

type Meter = NonNullable<OpenOptions['meter']>

/** The lease that is written to see whether anything can be; nobody works under it. */
const PROBE = 'health'

/**
 * Whether the database takes what there is to store: a disk that is full is still read from. Found out by what becomes of commits, which
 * costs nothing; after one that failed by a write of its own, since a server that is passed over for it gets nothing else to store.
 */
export class Health {
  #isRefusing = false
  #probing: Promise<void> | undefined

  /** Watches commits on their way to who counts them. */
  watching(meter: Meter): Meter {
    return {
      committed: (sets, milliseconds) => {
        this.#isRefusing = false
        meter.committed(sets, milliseconds)
      },
      failed: error => {
        if (error instanceof DatabaseUnavailable) this.#isRefusing = true
        meter.failed(error)
      },
    }
  }

  /** Makes a check that rejects while the database does not answer, or stores nothing. */
  checkOf(database: Database, clock: Clock): () => Promise<void> {
    const prepared = database.prepare('SELECT 1 AS one')
    const leases = new Leases(database)
    const probe = async (): Promise<void> => {
      // Never held: whoever asks whether a server runs on the database goes by what is.
      const span = { now: clock.now(), until: 0 }
      await database.commit({ statements: [leases.take({ name: PROBE, holder: PROBE }, span, 'probe')] })
    }
    return async () => {
      await database.get(prepared)
      if (!this.#isRefusing) return
      this.#probing ??= probe().finally(() => {
        this.#probing = undefined
      })
      await this.#probing
    }
  }
}
