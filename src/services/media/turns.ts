import { BoundedPool } from '../accounts/bounded-pool.ts'

/** Runs jobs for others, few at a time for each of them, so that a slow one does not take the places of all. */
export class Turns {
  readonly #concurrency: number
  readonly #maxWaiting: number
  readonly #each = new Map<string, { readonly pool: BoundedPool; jobs: number }>()

  /** @param maxWaiting of each */
  constructor(concurrency: number, maxWaiting: number) {
    this.#concurrency = concurrency
    this.#maxWaiting = maxWaiting
  }

  /** Runs a job for somebody when its turn comes. @throws {PoolFull} at once, without running it. */
  async run<T>(name: string, job: () => Promise<T>): Promise<T> {
    const one = this.#each.get(name) ?? {
      pool: new BoundedPool(this.#concurrency, this.#maxWaiting),
      jobs: 0,
    }
    this.#each.set(name, one)
    one.jobs++
    try {
      return await one.pool.run(job)
    } finally {
      one.jobs--
      if (one.jobs === 0) this.#each.delete(name)
    }
  }
}
