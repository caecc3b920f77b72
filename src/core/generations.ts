/** How often what was looked for was there. */
export interface Tally {
  hits: number
  misses: number
}

interface GenerationsOptions<V> {
  /** How much both generations hold together. */
  readonly max: number
  /** How much of that an entry is. */
  readonly size: (value: V) => number
  readonly tally: Tally
}

/**
 * A cache of what came or was asked for last, in two generations: when the young one is full it becomes the old one, whose entries are
 * forgotten all at once. Whatever is asked for gets into the young one again. So it holds somewhat less than one that knows the order of
 * all its entries, and costs half as much where most of them come and are never asked for: nothing is touched to be forgotten.
 */
export class Generations<K extends string | number, V extends object | string | number | boolean> {
  readonly #max: number
  readonly #size: (value: V) => number
  readonly #tally: Tally
  #young = new Map<K, V>()
  #old = new Map<K, V>()
  #held = 0
  #heldByOld = 0

  constructor({ max, size, tally }: GenerationsOptions<V>) {
    this.#max = max / 2
    this.#size = size
    this.#tally = tally
  }

  /** How much there is in it; what is in both generations counts twice. */
  get held(): number {
    return this.#held + this.#heldByOld
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key)
    const found = young ?? this.#old.get(key)
    if (found === undefined) this.#tally.misses += 1
    else this.#tally.hits += 1
    if (young === undefined && found !== undefined) this.#add(key, found)
    return found
  }

  set(key: K, value: V): void {
    const before = this.#young.get(key)
    if (before !== undefined) {
      this.#held -= this.#size(before)
      this.#young.delete(key)
    }
    this.#add(key, value)
  }

  delete(key: K): void {
    const young = this.#young.get(key)
    if (young !== undefined) this.#held -= this.#size(young)
    this.#young.delete(key)
    const old = this.#old.get(key)
    if (old !== undefined) this.#heldByOld -= this.#size(old)
    this.#old.delete(key)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
    this.#held = 0
    this.#heldByOld = 0
  }

  /** What is not in the young generation. */
  #add(key: K, value: V): void {
    const size = this.#size(value)
    // What is too large for any generation would take the place of all else.
    if (size > this.#max) {
      this.delete(key)
      return
    }
    if (this.#held + size > this.#max) {
      this.#old = this.#young
      this.#heldByOld = this.#held
      this.#young = new Map()
      this.#held = 0
    }
    this.#young.set(key, value)
    this.#held += size
  }
}
