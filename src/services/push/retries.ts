import type { Clock } from '../../core/clock.ts'
import { afterFailure, type BackoffPolicy, type BackoffState } from '../../network/backoff.ts'
import { GatewayError } from '../../network/push-gateway.ts'

/** "For a reasonable amount of time": so long is a notification tried, and no longer (milliseconds). */
const GIVE_UP_MS = 24 * 60 * 60_000
const BACKOFF: BackoffPolicy = { initialMs: 5_000, factor: 2, maxMs: 60 * 60_000, jitter: 0.2 }
/** Before it is tried again where the fault is on this side. Milliseconds. */
const OWN_PAUSE_MS = 10_000

/** A gateway has not taken a notification; `cause` says why. */
export class NotTaken extends Error {
  /** It wants no such notification: it may take another. */
  get isRefusal(): boolean {
    return this.cause instanceof GatewayError && this.cause.isRefusal
  }
}

/** It has refused so many, one after another, that it is taken for one that takes nothing: another notification is no reason to ask again. */
export class NothingTaken extends NotTaken {
  override get isRefusal(): boolean {
    return false
  }
}

/** When a gateway that has not taken something is tried again. */
export class Retries {
  readonly #clock: Clock
  readonly #random: () => number
  readonly #closing: AbortSignal
  #backoff: BackoffState | undefined
  /** While it waits to try again. */
  #waiting: AbortController | undefined
  #isRefused = false
  /** There may be more than was tried. */
  #isMore = false

  constructor({ clock, random, closing }: { clock: Clock; random: () => number; closing: AbortSignal }) {
    this.#clock = clock
    this.#random = random
    this.#closing = closing
  }

  /** Whatever there is by now is tried. */
  begun(): void {
    this.#isMore = false
  }

  /** The gateway has taken something. */
  taken(): void {
    this.#backoff = undefined
    this.#isRefused = false
  }

  /** It has not. Answers whether what could not be sent is to be given up, after a day. */
  failed(error: NotTaken): boolean {
    this.#isRefused = error.isRefusal
    const attempt = { now: this.#clock.now(), random: this.#random() }
    this.#backoff = afterFailure(this.#backoff, attempt, BACKOFF)
    return attempt.now - this.#backoff.firstFailedAt >= GIVE_UP_MS
  }

  /** Until it is tried again: the longer the more often it has failed, or for a moment where no gateway is to blame. */
  async pause(after: 'gateway' | 'own'): Promise<void> {
    if (after === 'gateway' && this.#isRefused && this.#isMore) return
    const retryAt = after === 'gateway' ? this.#backoff?.retryAt : undefined
    const ms = retryAt === undefined ? OWN_PAUSE_MS : retryAt - this.#clock.now()
    this.#waiting = new AbortController()
    const ended = AbortSignal.any([this.#closing, this.#waiting.signal])
    await this.#clock.sleep(ms, ended).catch(() => undefined)
    this.#waiting = undefined
  }

  /** Has it tried again now. */
  hurry(): void {
    this.#waiting?.abort()
  }

  /** There is another notification: one that was refused need not keep it waiting. */
  hasMore(): void {
    this.#isMore = true
    if (this.#isRefused) this.hurry()
  }
}
