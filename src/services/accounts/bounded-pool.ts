/** More jobs are waiting than the pool will hold. */
export class PoolFull extends Error {
  override readonly name = 'PoolFull'
}

/** Runs at most `concurrency` jobs at once and lets at most `maxWaiting` wait, first come first served. */
export class BoundedPool {
  readonly #concurrency: number
  readonly #maxWaiting: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(concurrency: number, maxWaiting: number) {
    this.#concurrency = concurrency
    this.#maxWaiting = maxWaiting
  }

  /** Runs a job when its turn comes. @throws {PoolFull} at once, without running it. */
  async run<T>(job: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#concurrency) {
      if (this.#waiting.length >= this.#maxWaiting) throw new PoolFull('too many jobs are waiting')
      // Whoever finishes hands its place over, so that nobody who comes later takes it.
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    } else {
      this.#running++
    }
    try {
      return await job()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
