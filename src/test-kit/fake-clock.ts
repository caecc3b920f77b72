import type { Clock } from '../core/clock.ts'

interface Sleeper {
  readonly due: number
  wake(): void
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number
  #sleepers: Sleeper[] = []
  readonly #settle: () => Promise<void>

  /** `now` is in milliseconds since 1970; `settle` resolves when what was set off has run. */
  constructor(now = Date.UTC(2026, 0, 1), settle = turn) {
    this.#now = now
    this.#settle = settle
  }

  now(): number {
    return this.#now
  }

  /** How many are asleep. */
  get sleeping(): number {
    return this.#sleepers.length
  }

  /** When the next of them wakes; `undefined` if nobody is asleep. */
  get nextDue(): number | undefined {
    return this.#next(Number.POSITIVE_INFINITY)?.due
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#sleepers = this.#sleepers.filter(other => other !== sleeper)
        reject(signal?.reason)
      }
      const sleeper = {
        due: this.#now + Math.max(0, ms),
        wake: () => {
          signal?.removeEventListener('abort', abort)
          resolve()
        },
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#sleepers.push(sleeper)
    })
  }

  /**
   * Moves time on by `ms`, waking each sleeper at its own instant, in order, and letting what it sets off run
   * before the next; whoever goes to sleep on the way is woken too if due. With 0 it only wakes who is due now.
   */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms
    await this.#settle()
    for (let next = this.#next(target); next !== undefined; next = this.#next(target)) {
      const sleeper = next
      this.#sleepers = this.#sleepers.filter(other => other !== sleeper)
      this.#now = Math.max(this.#now, sleeper.due)
      sleeper.wake()
      await this.#settle()
    }
    this.#now = target
  }

  /** Moves time on at once, as for a machine that was suspended: whoever should have woken on the way wakes once, late. */
  async leap(ms: number): Promise<void> {
    await this.#settle()
    this.#now += ms
    const due = this.#sleepers.filter(sleeper => sleeper.due <= this.#now)
    this.#sleepers = this.#sleepers.filter(sleeper => sleeper.due > this.#now)
    for (const sleeper of due) sleeper.wake()
    await this.#settle()
  }

  #next(target: number): Sleeper | undefined {
    let first: Sleeper | undefined
    for (const sleeper of this.#sleepers) {
      if (sleeper.due <= target && (first === undefined || sleeper.due < first.due)) first = sleeper
    }
    return first
  }
}

/** All microtasks that are due, however many they lead to. */
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
