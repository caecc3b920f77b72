import type { Clock } from '../../../core/clock.ts'

/** Waits before each further attempt, in milliseconds; then it is given up. */
const DELAYS_MS = [10_000, 60_000, 600_000]
const MAX_WAITING = 2_000
/** Of those of one server, which could leave no room for any others: it need but say that it cannot give what they need now. */
const MAX_OF_ORIGIN = 500

/**
 * Received events for which something has to be fetched from servers that cannot be reached now. They are acknowledged,
 * so nobody sends them again by themselves: they are tried again a few times, in this process and after a restart.
 */
export class Postponed<T extends { readonly key: string; readonly origin: string; attempt: number }> {
  readonly #clock: Clock
  readonly #again: (waiting: T) => void
  readonly #closing = new AbortController()
  /** How many wait under each key: one event may come from several servers, and those are asked for what it needs. */
  readonly #keys = new Map<string, number>()
  readonly #ofOrigin = new Map<string, number>()
  #count = 0

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
    const isTooMuch = (this.#ofOrigin.get(waiting.origin) ?? 0) >= MAX_OF_ORIGIN || this.#count >= MAX_WAITING
    if (delay === undefined || isTooMuch) return false
    this.#wait(waiting, 1)
    this.#clock.sleep(delay, this.#closing.signal).then(
      () => {
        this.#wait(waiting, -1)
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

  #wait({ key, origin }: T, by: 1 | -1): void {
    this.#count += by
    count(this.#keys, key, by)
    count(this.#ofOrigin, origin, by)
  }
}

const count = (counts: Map<string, number>, name: string, by: 1 | -1): void => {
  const next = (counts.get(name) ?? 0) + by
  if (next > 0) counts.set(name, next)
  else counts.delete(name)
}
