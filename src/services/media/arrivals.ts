import type { Clock } from '../../core/clock.ts'

/** Between two looks whether a file has arrived through another process. Milliseconds. */
const LOOK_MS = 2_000

/** Lets requests wait for files that are still to be uploaded. */
export class Arrivals {
  readonly #clock: Clock
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Wakes whoever waits for a file. */
  arrived(mediaId: string): void {
    for (const wake of this.#waiting.get(mediaId) ?? []) wake()
  }

  /**
   * Looks again whenever something may have changed, for at most `ms` milliseconds.
   *
   * @returns what `look` found, or `undefined`.
   */
  async wait<T>(
    mediaId: string,
    ms: number,
    look: () => Promise<T | undefined>,
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    const until = this.#clock.now() + ms
    for (;;) {
      const woken = this.#wakened(mediaId, Math.min(LOOK_MS, until - this.#clock.now()), signal)
      try {
        const found = await look()
        if (found !== undefined || signal?.aborted || this.#clock.now() >= until) return found
        await woken.promise
      } finally {
        woken.cancel()
      }
    }
  }

  /** Listens from now on, so that nothing is missed between looking and waiting. */
  #wakened(mediaId: string, ms: number, signal?: AbortSignal): { promise: Promise<void>; cancel(): void } {
    const waiters = this.#waiting.get(mediaId) ?? new Set()
    this.#waiting.set(mediaId, waiters)
    const done = new AbortController()
    const { promise, resolve } = Promise.withResolvers<void>()
    waiters.add(resolve)
    const either = signal === undefined ? done.signal : AbortSignal.any([signal, done.signal])
    this.#clock.sleep(ms, either).then(resolve, () => resolve())
    return {
      promise,
      cancel: () => {
        done.abort()
        waiters.delete(resolve)
        if (waiters.size === 0) this.#waiting.delete(mediaId)
      },
    }
  }
}
