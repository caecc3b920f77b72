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
/** For so long the others wait to hear of it: who is there again mostly answers sooner. */
const PATIENCE_MS = 2_000

const MAX_SERVERS = 5_000

/**
 * Knows which servers have not answered lately, so that nobody waits for them once more: rooms are full of people whose servers
 * are gone for good, and every look at such a room asks for their devices and pictures.
 */
export class SilentServers {
  readonly #clock: Clock
  readonly #silent = new LRUCache<string, BackoffState>({ max: MAX_SERVERS })
  readonly #underWay = new Map<string, Set<Attempt>>()

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
    if (this.#isSilent(server)) await this.#probed(server)
    if (this.#isSilent(server))
      throw new FederationError('unreachable', server, 'it has not answered for a while')
    const attempt = this.#begin(server)
    try {
      const result = await request(() => this.#answered(server))
      this.#answered(server)
      return result
    } catch (error) {
      if (!attempt.isAnswered) this.#failed(server, attempt.begun, error)
      throw error
    } finally {
      this.#end(server, attempt)
    }
  }

  /** A server has asked something of us: it is there again, and soon asked again. */
  heardOf(server: string): void {
    const known = this.#silent.get(server)
    if (known !== undefined) this.#silent.set(server, afterInbound(known, this.#clock.now(), POLICY))
  }

  #isSilent(server: string): boolean {
    const known = this.#silent.get(server)
    const now = this.#clock.now()
    // A clock that was set back makes nobody silent for longer.
    return !mayTry(known, now) && (known?.retryAt ?? 0) - now <= POLICY.maxMs
  }

  /** Waits a moment for the request that finds out whether a silent server is there again, if there is one. */
  async #probed(server: string): Promise<void> {
    // Those that were answered before the server fell silent, and are not at an end, tell nothing of whether it is back.
    const open = [...(this.#underWay.get(server) ?? [])].filter(attempt => !attempt.isAnswered)
    if (open.length === 0) return
    const over = new AbortController()
    const patience = this.#clock.sleep(PATIENCE_MS, over.signal).catch(() => undefined)
    await Promise.race([patience, ...open.map(attempt => attempt.known)])
    over.abort()
  }

  #begin(server: string): Attempt {
    const begun = this.#clock.now()
    const known = this.#silent.get(server)
    if (known !== undefined) this.#silent.set(server, { ...known, retryAt: begun + PROBE_MS })
    const attempt = new Attempt(begun)
    const attempts = this.#underWay.get(server)
    if (attempts === undefined) this.#underWay.set(server, new Set([attempt]))
    else attempts.add(attempt)
    return attempt
  }

  #end(server: string, attempt: Attempt): void {
    attempt.settle()
    const attempts = this.#underWay.get(server)
    attempts?.delete(attempt)
    if (attempts?.size === 0) this.#underWay.delete(server)
  }

  /** It is there: also for those requests beside this one that take it too long. */
  #answered(server: string): void {
    this.#silent.delete(server)
    for (const attempt of this.#underWay.get(server) ?? []) {
      attempt.isAnswered = true
      attempt.settle()
    }
  }

  #failed(server: string, begun: number, error: unknown): void {
    if (!(error instanceof FederationError)) return
    const { kind, status } = error
    if ((kind !== 'unreachable' && kind !== 'timeout') || status !== undefined) {
      this.#answered(server)
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

/** A request that is under way. */
class Attempt {
  readonly begun: number
  /** The server has answered something since. */
  isAnswered = false
  /** Settles once it is known whether the server answers. */
  readonly known: Promise<void>
  readonly settle: () => void

  constructor(begun: number) {
    this.begun = begun
    const { promise, resolve } = Promise.withResolvers<void>()
    this.known = promise
    this.settle = resolve
  }
}
