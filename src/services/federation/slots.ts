/** As many jobs are waiting for a slot as may. */
export class SlotsTaken extends Error {
  override readonly name = 'SlotsTaken'
}

/** Lets at most so many jobs run at a time; the others wait in the order in which they came. */
export class Slots {
  #free: number
  readonly #maxWaiting: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number, maxWaiting = Number.POSITIVE_INFINITY) {
    this.#free = count
    this.#maxWaiting = maxWaiting
  }

  /**
   * Runs `job` once a slot is free; resolves or rejects as it does. Never starts it at once.
   *
   * @throws {SlotsTaken} without running it, if too many are waiting
   */
  async run<T>(job: () => Promise<T>): Promise<T> {
    if (this.#free > 0) {
      this.#free -= 1
      await undefined
    } else {
      if (this.#waiting.length >= this.#maxWaiting) throw new SlotsTaken('too many jobs are waiting')
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
    try {
      return await job()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
