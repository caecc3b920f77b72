import type { Clock } from '../../core/clock.ts'

/** Deadlines are kept to the next tenth of a second, so that thousands of them share a few timers. */
const GRAIN_MS = 100

/** Calls back at deadlines, with one timer for all that fall into the same tenth of a second. */
export class Deadlines {
  readonly #clock: Clock
  readonly #due = new Map<number, Set<() => void>>()
  readonly #stop = new AbortController()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `expired` once at `at` (ms) or a little later, unless the returned function was called before. */
  add(at: number, expired: () => void): () => void {
    const slot = Math.ceil(at / GRAIN_MS) * GRAIN_MS
    let waiting = this.#due.get(slot)
    if (waiting === undefined) {
      waiting = new Set()
      this.#due.set(slot, waiting)
      void this.#fireAt(slot)
    }
    waiting.add(expired)
    return () => void waiting.delete(expired)
  }

  close(): void {
    this.#stop.abort()
  }

  async #fireAt(slot: number): Promise<void> {
    try {
      await this.#clock.sleep(Math.max(slot - this.#clock.now(), 0), this.#stop.signal)
    } catch {
      return
    }
    const waiting = this.#due.get(slot)
    this.#due.delete(slot)
    for (const expired of waiting ?? []) expired()
  }
}
