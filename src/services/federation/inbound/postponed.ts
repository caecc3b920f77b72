import type { Clock } from '../../../core/clock.ts'

/** Waits before each further attempt, in milliseconds; then it is given up. */
const DELAYS_MS = [10_000, 60_000, 600_000]
const MAX_WAITING = 2_000

/**
 * Received events for which something has to be fetched from servers that cannot be reached now. They are acknowledged,
 * so nobody sends them again by themselves: they are tried again a few times, in this process and after a restart.
 */
export class Postponed<T extends { readonly key: string; attempt: number }> {
  readonly #clock: Clock
  readonly #again: (waiting: T) => void
  readonly #closing = new AbortController()
  readonly #keys = new Set<string>()

  /** `again` is handed what is due. */
  constructor(clock: Clock, again: (waiting: T) => void) {
    this.#clock = clock
    this.#again = again
  }

  has({ key }: Pick<T, 'key'>): boolean {
    return this.#keys.has(key)
  }

  /** Puts an event off; `false` if it has been put off often enough, or too many are. */
  add(waiting: T): boolean {
    const delay = DELAYS_MS[waiting.attempt]
    if (delay === undefined || this.#keys.size >= MAX_WAITING) return false
    this.#keys.add(waiting.key)
    this.#clock.sleep(delay, this.#closing.signal).then(
      () => {
        this.#keys.delete(waiting.key)
        waiting.attempt += 1
        this.#again(waiting)
      },
      () => undefined,
    )
    return true
  }

  /** Nothing comes back any more. */
  close(): void {
    this.#closing.abort()
  }
}
