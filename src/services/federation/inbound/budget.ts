import type { Clock } from '../../../core/clock.ts'
import type { RoomEvent } from '../../../core/event/event.ts'
import type { CallOptions } from '../../../network/federation/requester.ts'

/** How much may be spent on one event's missing past. */
export class Budget {
  /** Aborted where nobody waits for it any more. */
  readonly signal: AbortSignal
  readonly #clock: Clock
  readonly #until: number
  #events: number
  #characters: number

  constructor(
    clock: Clock,
    limits: { timeMs: number; events: number; characters: number },
    signal: AbortSignal,
  ) {
    this.signal = signal
    this.#clock = clock
    this.#until = clock.now() + limits.timeMs
    this.#events = limits.events
    this.#characters = limits.characters
  }

  /** Of the past itself no more is fetched. */
  get isSpent(): boolean {
    return this.#events <= 0 || this.#characters <= 0 || this.isOver
  }

  /** Nothing more is fetched, nor the state where the past was cut off. */
  get isOver(): boolean {
    return this.timeLeft <= 0 || this.signal.aborted
  }

  /** Milliseconds. */
  get timeLeft(): number {
    return this.#until - this.#clock.now()
  }

  get eventsLeft(): number {
    return this.#events
  }

  /** For a request that takes no longer than what is left, or than so many milliseconds. */
  call(mostMs = Number.POSITIVE_INFINITY): CallOptions {
    return { timeoutMs: Math.min(this.timeLeft, mostMs), signal: this.signal }
  }

  spend(events: readonly RoomEvent[]): void {
    this.#events -= events.length
    for (const { pdu } of events) this.#characters -= JSON.stringify(pdu).length
  }
}
