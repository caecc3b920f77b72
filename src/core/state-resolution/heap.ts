/** A binary heap: `pop` takes the smallest entry by `compare`. Entries that compare equal come in no promised order. */
export class Heap<T> {
  readonly #entries: T[] = []
  readonly #compare: (a: T, b: T) => number

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#entries.length
  }

  push(entry: T): void {
    const entries = this.#entries
    let hole = entries.length
    entries.push(entry)
    while (hole > 0) {
      const above = (hole - 1) >> 1
      const parent = entries[above] as T
      if (this.#compare(parent, entry) <= 0) break
      entries[hole] = parent
      hole = above
    }
    entries[hole] = entry
  }

  pop(): T | undefined {
    const entries = this.#entries
    const top = entries[0]
    const last = entries.pop()
    if (entries.length > 0) this.#sink(last as T)
    return top
  }

  /** Lets an entry sink from the top to its place. */
  #sink(entry: T): void {
    const entries = this.#entries
    let hole = 0
    for (;;) {
      let child = hole * 2 + 1
      if (child >= entries.length) break
      if (child + 1 < entries.length && this.#compare(entries[child + 1] as T, entries[child] as T) < 0)
        child++
      if (this.#compare(entry, entries[child] as T) <= 0) break
      entries[hole] = entries[child] as T
      hole = child
    }
    entries[hole] = entry
  }
}
