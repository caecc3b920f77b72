import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { SoleWork } from './processes.ts'

/** Does a piece of housekeeping from time to time. What fails is logged, and done again in the next round. */
export class Rounds {
  readonly #parts: ConstructorParameters<typeof Rounds>[0]
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined

  constructor(parts: {
    readonly clock: Clock
    readonly log: Log
    /** Between two rounds, in milliseconds. */
    readonly everyMs: number
    /** Before the first round, in milliseconds; as between two if not given. */
    readonly firstMs?: number
    /** One round, which ends early when the signal is given. */
    readonly round: (signal: AbortSignal) => Promise<void>
    /** What the log says when a round fails. */
    readonly failure: string
    /** Has one of several processes do it; each does if not given. */
    readonly sole?: SoleWork
  }) {
    this.#parts = parts
  }

  /** Given once it is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** Begins to wait for the first round. */
  start(): void {
    const { sole } = this.#parts
    const { signal } = this.#closing
    this.#running ??= sole?.run(signal, held => this.#run(held.signal)) ?? this.#run(signal)
  }

  /** Ends; resolves when the round that is under way has ended. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log, everyMs, firstMs = everyMs, round, failure } = this.#parts
    for (let wait = firstMs; !signal.aborted; wait = everyMs) {
      await clock.sleep(wait, signal).catch(() => undefined)
      if (signal.aborted) return
      await round(signal).catch(error => log.error({ err: error }, failure))
    }
  }
}
