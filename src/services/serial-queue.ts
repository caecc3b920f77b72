/** Runs jobs of the same key one after another, jobs of different keys side by side. */
export class SerialQueue {
  readonly #tails = new Map<string, Promise<unknown>>()

  /** Runs `job` once all earlier jobs of `key` have settled; resolves or rejects as it does. */
  run<T>(key: string, job: () => Promise<T>): Promise<T> {
    const previous = this.#tails.get(key)
    const result = previous === undefined ? job() : previous.then(job, job)
    const tail = result.then(
      () => undefined,
      () => undefined,
    )
    this.#tails.set(key, tail)
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key)
    })
    return result
  }

  /** How many keys have jobs running or waiting. */
  get size(): number {
    return this.#tails.size
  }
}
