import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Database } from '../storage/database.ts'
import { type LeftoverSweep, leftoverSweeps } from '../storage/leftovers.ts'
import type { SoleWork } from './processes.ts'
import { Rounds } from './rounds.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const BATCH = 500

/** Removes, once a day and in one process, what no other housekeeping removes: see `storage/leftovers.ts`. */
export class Leftovers {
  readonly #database: Database
  readonly #sweeps: readonly LeftoverSweep[]
  readonly #clock: Clock
  readonly #rounds: Rounds

  constructor(parts: { database: Database; clock: Clock; log: Log; sole: SoleWork }) {
    this.#database = parts.database
    this.#sweeps = leftoverSweeps(parts.database)
    this.#clock = parts.clock
    this.#rounds = new Rounds({
      ...{ clock: parts.clock, log: parts.log },
      everyMs: DAY_MS,
      // Soon after the start: a server may be started anew each night.
      firstMs: HOUR_MS,
      round: signal => this.tidy(signal),
      failure: 'leftovers could not be removed',
      sole: parts.sole,
    })
  }

  start(): void {
    this.#rounds.start()
  }

  close(): Promise<void> {
    return this.#rounds.close()
  }

  /** One round. */
  async tidy(signal: AbortSignal = this.#rounds.closing): Promise<void> {
    const now = this.#clock.now()
    for (const sweep of this.#sweeps) {
      let done: string | number | undefined
      for (;;) {
        if (signal.aborted) return
        const keys = await sweep.find(now, BATCH, done)
        done = keys.at(-1)
        if (keys.length > 0) await this.#database.commit({ statements: [sweep.remove(keys, now)] })
        if (keys.length < BATCH) break
      }
    }
  }
}
