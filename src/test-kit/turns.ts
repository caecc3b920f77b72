/** So many at a time; the others wait, in the order in which they came. */
export class Turns {
  #left: number
  readonly #waiting: (() => void)[] = []

  constructor(atOnce: number) {
    this.#left = atOnce
  }

  /** Resolves when it is one's turn, which lasts until it is given back. */
  async take(): Promise<void> {
    if (this.#left > 0) this.#left -= 1
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  giveBack(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#left += 1
    else next()
  }
}
