/** After so long, in milliseconds, nobody wants to know any more who was typing. */
const STALE_MS = 30_000
/** For one destination; the oldest go first. */
const MAX_WAITING = 200

/**
 * Typing and presence on their way to one destination: in memory only, replaced by newer ones, soon stale. Receipts are not
 * among them: until the next one people would look as if they had not read, so they are kept (`EduIntake.keep`).
 */
export class Ephemera {
  readonly #waiting = new Map<string, { payload: string; since: number }>()
  #count = 0

  get size(): number {
    return this.#waiting.size
  }

  /** Adds one; it takes the place of the one with the same key. */
  add(payload: string, key: string | undefined, now: number): void {
    const name = key ?? `#${this.#count++}`
    this.#waiting.delete(name)
    this.#waiting.set(name, { payload, since: now })
    const [oldest] = this.#waiting.keys()
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) this.#waiting.delete(oldest)
  }

  /** Takes out up to `limit` that are still worth sending; drops the stale. */
  take(limit: number, now: number): string[] {
    const taken: string[] = []
    for (const [name, { payload, since }] of this.#waiting) {
      const isStale = now - since > STALE_MS
      if (!isStale && taken.length >= limit) break
      this.#waiting.delete(name)
      if (!isStale) taken.push(payload)
    }
    return taken
  }

  clear(): void {
    this.#waiting.clear()
  }
}
