/**
 * The newest changes of a stream in the order of their positions, as far back as memory goes: what makes the news of
 * a client that was here a moment ago a look at the end of a list.
 */
export class RecentChanges<T> {
  readonly #max: number
  readonly #positions: number[] = []
  readonly #changes: T[] = []
  /** Everything after this position is remembered. */
  #from: number

  /** @param from the position at which remembering starts */
  constructor(from: number, options: { max?: number } = {}) {
    this.#from = from
    this.#max = options.max ?? 10_000
  }

  /** Adds a change; positions never fall. */
  add(position: number, change: T): void {
    this.#positions.push(position)
    this.#changes.push(change)
    if (this.#positions.length <= this.#max) return
    const forgotten = Math.ceil(this.#max / 2)
    this.#from = this.#positions[forgotten - 1] ?? this.#from
    this.#positions.splice(0, forgotten)
    this.#changes.splice(0, forgotten)
  }

  /** Remembers nothing of what was up to a position: something of it is not known. */
  forget(upTo: number): void {
    this.#positions.length = 0
    this.#changes.length = 0
    this.#from = upTo + 1
  }

  /** The changes after one position up to another, oldest first; `undefined` if some are not remembered any more. */
  between(after: number, upTo: number): readonly T[] | undefined {
    if (after < this.#from) return undefined
    return this.#changes.slice(this.#firstAfter(after), this.#firstAfter(upTo))
  }

  /** How many there were after a position; `undefined` if some are not remembered any more. */
  countAfter(position: number): number | undefined {
    return position < this.#from ? undefined : this.#positions.length - this.#firstAfter(position)
  }

  #firstAfter(position: number): number {
    let low = 0
    let high = this.#positions.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#positions[middle] ?? 0) <= position) low = middle + 1
      else high = middle
    }
    return low
  }
}
