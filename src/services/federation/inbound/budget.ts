import type { Clock } from '../../../core/clock.ts'

/** How much may be spent on one event's missing past. */
export class Budget {
  readonly #clock: Clock
  readonly #until: number
  #events: number

  constructor(clock: Clock, limits: { timeMs: number; events: number }) {
    this.#clock = clock
    this.#until = clock.now() + limits.timeMs
    this.#events = limits.events
  }

  get isSpent(): boolean {
    return this.#events <= 0 || this.timeLeft <= 0
  }

  /** Milliseconds. */
  get timeLeft(): number {
    return this.#until - this.#clock.now()
  }

  get eventsLeft(): number {
    return this.#events
  }

  spend(events: number): void {
    this.#events -= events
  }
}
