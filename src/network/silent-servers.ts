import { LRUCache } from 'lru-cache'
import type { Clock } from '../core/clock.ts'
import { afterFailure, type BackoffPolicy, type BackoffState, mayTry } from './backoff.ts'
import { FederationError } from './federation/federation-error.ts'

/** People wait: a server that comes back is not to be missed for long. */
const POLICY: BackoffPolicy = { initialMs: 10_000, factor: 2, maxMs: 2 * 60_000, jitter: 0 }

/** Whoever gives up sooner says nothing about the server. Milliseconds. */
const PATIENCE_MS = 5_000

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
    if (!mayTry(known, begun)) {
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

  #failed(server: string, begun: number, error: unknown): void {
    if (!(error instanceof FederationError)) return
    const now = this.#clock.now()
    const { kind, status } = error
    const known = this.#silent.get(server)
    if (kind === 'timeout' && now - begun < PATIENCE_MS) {
      // The next may find out.
      if (known !== undefined) this.#silent.set(server, { ...known, retryAt: now })
      return
    }
    if ((kind !== 'unreachable' && kind !== 'timeout') || status !== undefined) {
      this.#silent.delete(server)
      return
    }
    // Requests that failed at the same time have found out one thing together.
    if (known !== undefined && known.lastFailedAt >= begun) return
    this.#silent.set(server, afterFailure(known, { now, random: 0.5 }, POLICY))
  }
}
