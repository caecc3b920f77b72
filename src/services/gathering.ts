/**
 * Gathers what comes and has it worked on in batches, one after another: what comes while one is under way goes with the next.
 */
export class Gathering<T> {
  readonly #work: (batch: readonly T[]) => Promise<void>
  readonly #max: number
  #waiting: T[] = []
  #working: Promise<void> | undefined

  /**
   * @param work must not reject
   * @param max how many go together at most
   */
  constructor(work: (batch: readonly T[]) => Promise<void>, max = Number.POSITIVE_INFINITY) {
    this.#work = work
    this.#max = max
  }

  /** How many wait for the batch under way to be over. */
  get waiting(): number {
    return this.#waiting.length
  }

  add(item: T): void {
    this.#waiting.push(item)
    this.#working ??= this.#workThrough()
  }

  /** Resolves when everything is worked on that has been added by then. */
  async settled(): Promise<void> {
    while (this.#working !== undefined) await this.#working
  }

  async #workThrough(): Promise<void> {
    // Those of one turn go together.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#work(this.#waiting.splice(0, this.#max))
    // In the same breath: in between somebody might add what nobody would look for any more.
    this.#working = undefined
  }
}
