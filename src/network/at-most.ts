/** Lets so many works be under way at a time; others wait until it is their turn, in the order in which they came. */
export class AtMost {
  readonly #most: number
  readonly #waiting: (() => void)[] = []
  #working = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Whether nothing is under way. */
  get isIdle(): boolean {
    return this.#working === 0
  }

  /** Does the work when it is its turn. Rejects with the signal's reason where that is aborted before. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#working >= this.#most) await new Promise<void>(turn => this.#waiting.push(turn))
    else this.#working += 1
    try {
      signal.throwIfAborted()
      return await work()
    } finally {
      const next = this.#waiting.shift()
      // Whoever is next takes the place.
      if (next === undefined) this.#working -= 1
      else next()
    }
  }
}
