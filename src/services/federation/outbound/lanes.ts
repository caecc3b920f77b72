import type { Clock } from '../../../core/clock.ts'

/** A number of places; whoever finds none waits in line. */
class Places {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  tryTake(): boolean {
    if (this.#free === 0) return false
    this.#free -= 1
    return true
  }

  take(): Promise<void> {
    if (this.tryTake()) return Promise.resolve()
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  giveBack(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free += 1
    else next()
  }
}

export interface LaneOptions {
  /** Requests at a time to servers of which nothing bad is known. */
  readonly fast: number
  /** And to those that failed before, or are slow to answer. */
  readonly slow: number
  /** After so long, in milliseconds, a request moves to the slow lane, if there is room. */
  readonly slowAfterMs: number
}

export const DEFAULT_LANES: LaneOptions = { fast: 64, slow: 256, slowAfterMs: 3_000 }

/**
 * Bounds how many requests run at a time, such that servers which do not answer never keep others waiting: known dead
 * ones have a lane of their own, and whoever turns out to be slow is moved there.
 */
export class Lanes {
  readonly #fast: Places
  readonly #slow: Places
  readonly #clock: Clock
  readonly #slowAfterMs: number

  constructor(clock: Clock, options: LaneOptions = DEFAULT_LANES) {
    this.#fast = new Places(options.fast)
    this.#slow = new Places(options.slow)
    this.#clock = clock
    this.#slowAfterMs = options.slowAfterMs
  }

  /** Runs `job` when there is a place for it. `doubtful`: it is likely to take long. */
  async run<T>(doubtful: boolean, job: () => Promise<T>): Promise<T> {
    let lane = doubtful ? this.#slow : this.#fast
    await lane.take()
    const done = new AbortController()
    if (!doubtful) {
      this.#clock.sleep(this.#slowAfterMs, done.signal).then(
        () => {
          if (!this.#slow.tryTake()) return
          this.#fast.giveBack()
          lane = this.#slow
        },
        () => undefined,
      )
    }
    try {
      return await job()
    } finally {
      done.abort()
      lane.giveBack()
    }
  }
}
