import { LRUCache } from 'lru-cache'
import type { Clock } from '../core/clock.ts'
import { afterFailure, afterInbound, type BackoffPolicy, type BackoffState, mayTry } from './backoff.ts'
import { FederationError } from './federation/federation-error.ts'

/** People wait: a server that comes back is not to be missed for long. */
const POLICY: BackoffPolicy = { initialMs: 10_000, factor: 2, maxMs: 2 * 60_000, jitter: 0 }

/** How long it takes for a failure to count: what fails at once keeps nobody waiting, and whoever gives up soon says nothing about the server. */
const COUNTS_AFTER_MS = { unreachable: 2_000, timeout: 5_000 }

/** While one request finds out whether a server is there again, no other does. Milliseconds. */
const PROBE_MS = 10_000

const MAX_SERVERS = 5_000

/**
 * Knows which servers have not answered lately, so that nobody waits for them once more: rooms are full of people whose servers
 * are gone for good, and every look at such a room asks for their devices and pictures.
 */
export class SilentServers {
  readonly #clock: Clock
  readonly #silent = new LRUCache<string, BackoffState>({ max: MAX_SERVERS })

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Makes a request to a server, unless it is known to be silent.
   *
   * @param request may say before it ends that the server has answered: whatever goes wrong then, it is there.
   * @throws {FederationError} `unreachable` where it is silent; and what `request` throws.
   */
  async ask<T>(server: string, request: (answered: () => void) => Promise<T>): Promise<T> {
    const begun = this.#clock.now()
    const known = this.#silent.get(server)
    // A clock that was set back makes nobody silent for longer.
    if (!mayTry(known, begun) && (known?.retryAt ?? 0) - begun <= POLICY.maxMs) {
      throw new FederationError('unreachable', server, 'it has not answered for a while')
    }
    if (known !== undefined) this.#silent.set(server, { ...known, retryAt: begun + PROBE_MS })
    let hasAnswered = false
    const answered = (): void => {
      hasAnswered = true
      this.#silent.delete(server)
    }
    try {
      const result = await request(answered)
      answered()
      return result
    } catch (error) {
      if (!hasAnswered) this.#failed(server, begun, error)
      throw error
    }
  }

  /** A server has asked something of us: it is there again, and soon asked again. */
  heardOf(server: string): void {
    const known = this.#silent.get(server)
    if (known !== undefined) this.#silent.set(server, afterInbound(known, this.#clock.now(), POLICY))
  }

  #failed(server: string, begun: number, error: unknown): void {
    if (!(error instanceof FederationError)) return
    const { kind, status } = error
    if ((kind !== 'unreachable' && kind !== 'timeout') || status !== undefined) {
      this.#silent.delete(server)
      return
    }
    const now = this.#clock.now()
    const known = this.#silent.get(server)
    // The next may find out.
    const isQuick = now - begun < COUNTS_AFTER_MS[kind]
    if (isQuick && known !== undefined) this.#silent.set(server, { ...known, retryAt: now })
    // Requests that failed at the same time have found out one thing together.
    if (isQuick || (known !== undefined && known.lastFailedAt >= begun)) return
    this.#silent.set(server, afterFailure(known, { now, random: 0.5 }, POLICY))
  }
}
