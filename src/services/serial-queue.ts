import type { Answer } from './answer.ts'

/** Runs jobs of the same key one after another, jobs of different keys side by side. */
export class SerialQueue {
  readonly #tails = new Map<string, Promise<unknown>>()

  /** Runs `job` once all earlier jobs of `key` have settled; resolves or rejects as it does. */
  run<T>(key: string, job: () => Promise<T>): Promise<T>
  /** The same for a job that may be done at once, which nobody then has to wait for: answers, or throws, as it does. */
  run<T>(key: string, job: () => Answer<T>): Answer<T>
  run<T>(key: string, job: () => Answer<T>): Answer<T> {
    const previous = this.#tails.get(key)
    const result = previous === undefined ? job() : previous.then(job, job)
    if (!(result instanceof Promise)) return result
    const settled = (): void => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key)
    }
    const tail = result.then(settled, settled)
    this.#tails.set(key, tail)
    return result
  }

  /** How many keys have jobs running or waiting. */
  get size(): number {
    return this.#tails.size
  }
}
