import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Database } from '../storage/database.ts'
import { type LeftoverSweep, leftoverSweeps } from '../storage/leftovers.ts'
import type { SoleWork } from './processes.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const BATCH = 500

/** Removes, once a day and in one process, what no other housekeeping removes: see `storage/leftovers.ts`. */
export class Leftovers {
  readonly #database: Database
  readonly #sweeps: readonly LeftoverSweep[]
  readonly #clock: Clock
  readonly #log: Log
  readonly #sole: SoleWork
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined

  constructor(parts: { database: Database; clock: Clock; log: Log; sole: SoleWork }) {
    this.#database = parts.database
    this.#sweeps = leftoverSweeps(parts.database)
    this.#clock = parts.clock
    this.#log = parts.log
    this.#sole = parts.sole
  }

  start(): void {
    this.#running ??= this.#sole.run(this.#closing.signal, ({ signal }) => this.#run(signal))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  /** One round. */
  async tidy(signal: AbortSignal = this.#closing.signal): Promise<void> {
    const now = this.#clock.now()
    for (const sweep of this.#sweeps) {
      for (;;) {
        if (signal.aborted) return
        const keys = await sweep.find(now, BATCH)
        if (keys.length > 0) await this.#database.commit({ statements: [sweep.remove(keys, now)] })
        if (keys.length < BATCH) break
      }
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    // Soon after the start: a server may be started anew each night.
    for (let wait = HOUR_MS; !signal.aborted; wait = DAY_MS) {
      await this.#clock.sleep(wait, signal).catch(() => undefined)
      if (signal.aborted) return
      await this.tidy(signal).catch(error =>
        this.#log.error({ err: error }, 'leftovers could not be removed'),
      )
    }
  }
}
