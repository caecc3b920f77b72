import type { Clock } from '../../core/clock.ts'

/** Deadlines are kept to the next tenth of a second, so that thousands of them share a few timers. */
const GRAIN_MS = 100

/** A tenth of a second that something is due in. */
interface Slot {
  readonly waiting: Set<() => void>
  /** Of its own: of a signal that all slots listen to each further one would go through the listeners of all others. */
  readonly timer: AbortController
}

/** Calls back at deadlines, with one timer for all that fall into the same tenth of a second. */
export class Deadlines {
  readonly #clock: Clock
  readonly #due = new Map<number, Slot>()
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `expired` once at `at` (ms) or a little later, unless the returned function was called before. */
  add(at: number, expired: () => void): () => void {
    const due = Math.ceil(at / GRAIN_MS) * GRAIN_MS
    const { waiting } = this.#due.get(due) ?? this.#open(due)
    waiting.add(expired)
    return () => void waiting.delete(expired)
  }

  close(): void {
    this.#isClosed = true
    for (const { timer } of this.#due.values()) timer.abort()
  }

  #open(due: number): Slot {
    const slot = { waiting: new Set<() => void>(), timer: new AbortController() }
    this.#due.set(due, slot)
    if (!this.#isClosed) void this.#fire(due, slot)
    return slot
  }

  async #fire(due: number, { waiting, timer }: Slot): Promise<void> {
    try {
      await this.#clock.sleep(Math.max(due - this.#clock.now(), 0), timer.signal)
    } catch {
      return
    }
    this.#due.delete(due)
    for (const expired of waiting) expired()
  }
}
