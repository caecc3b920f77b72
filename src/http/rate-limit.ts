import { type CallRate, createCallRate, type RateLimit } from '../core/call-rate.ts'
import type { Clock } from '../core/clock.ts'
import { limitExceeded } from '../core/errors.ts'
import type { RateLimitBucket } from '../spec/operation.ts'

/**
 * A bucket of the operations; `ip`: all requests of one address together, before anything else is looked at;
 * `invited`: invitations of one user by all other servers together; or `wrong-password`: of one account, whoever tries them.
 */
export type RateLimitName = RateLimitBucket | 'ip' | 'invited' | 'wrong-password'

/** What is not named, or `false`, is not limited. The defaults are the configuration's. */
export type RateLimitSettings = Readonly<Partial<Record<RateLimitName, RateLimit | false>>>

/** Keys remembered per bucket; beyond it the one that was seen least recently is forgotten. */
const MAX_KEYS = 50_000

/** Limits that are kept apart; who would have one more is under that of everybody. */
const MAX_BUCKETS = 1_000

/** Calls of one key that were let pass. */
export interface TakenCalls {
  readonly name: string
  readonly key: string
  readonly calls: number
}

/** Told to other processes at a time. */
const MAX_TOLD = 500

export interface RateLimiter {
  /**
   * Counts one call. Throws `M_LIMIT_EXCEEDED` (429) with `retry_after_ms` and `Retry-After` if it is one too many;
   * such a call does not count. One that does the work of several counts as `calls`, once it may be made at all; 0 only
   * asks whether another may be.
   */
  check(name: RateLimitName, key: string, calls?: number): void
  /** Takes one call back that was let pass a moment ago: it does not count after all. */
  takeBack(name: RateLimitName, key: string): void
  /** The same as `check` under a limit that the key has for itself. */
  checkOwn(name: RateLimitName, limit: RateLimit, key: string, calls?: number): void
  /** The calls that were let pass since this was last asked, of those who called most, for other processes to count as well. */
  taken(): TakenCalls[]
  /** Counts calls that other processes have let pass. */
  charge(taken: readonly TakenCalls[]): void
  /** Whether a user's requests are not counted, as the operator has it. */
  exempts(userId: string): boolean
  /** Replaces all limits, and who has none; what was counted is forgotten. */
  configure(settings: RateLimitSettings, exemptUsers?: readonly string[]): void
}

/**
 * One limiter for all buckets: the generic cell rate algorithm, which needs one number per key (the instant at which
 * the key would be idle again) and no timer.
 */
export const createRateLimiter = (
  settings: RateLimitSettings,
  clock: Clock,
  maxKeys = MAX_KEYS,
): RateLimiter => {
  const buckets = new Map<string, CallRate>()
  let exempt: ReadonlySet<string> = new Set()
  /** By bucket and key; only where somebody asks for it. */
  let counted: Map<string, TakenCalls> | undefined
  const count = (name: string, key: string, made: number): void => {
    const rate = buckets.get(name)
    if (rate === undefined) return
    const wait = rate(key, clock.now(), made)
    if (wait > 0) throw limitExceeded(wait)
    if (counted === undefined || made === 0) return
    const id = `${name} ${key}`
    const calls = counted.get(id)?.calls ?? 0
    if (calls > 0 || counted.size < maxKeys) counted.set(id, { name, key, calls: calls + made })
  }
  const limiter: RateLimiter = {
    check: (name, key, made = 1) => count(name, key, made),
    takeBack(name, key) {
      buckets.get(name)?.takeBack(key, clock.now())
      const id = `${name} ${key}`
      const calls = counted?.get(id)?.calls ?? 0
      if (calls > 1) counted?.set(id, { name, key, calls: calls - 1 })
      else counted?.delete(id)
    },
    checkOwn(name, limit, key, made = 1) {
      // Who has the same limit shares a bucket: others' of this name know it, too.
      const own = `${name} ${limit.perSecond}/${limit.burst}`
      if (!buckets.has(own) && buckets.size < MAX_BUCKETS) buckets.set(own, createCallRate(limit, maxKeys))
      count(buckets.has(own) ? own : name, key, made)
    },
    taken() {
      const all = [...(counted?.values() ?? [])].sort((a, b) => b.calls - a.calls)
      counted = new Map()
      return all.slice(0, MAX_TOLD)
    },
    charge(taken) {
      for (const { name, key, calls } of taken) buckets.get(name)?.charge(key, calls, clock.now())
    },
    exempts: userId => exempt.has(userId),
    configure(changed, exemptUsers = []) {
      exempt = new Set(exemptUsers)
      buckets.clear()
      for (const [name, limit] of Object.entries(changed)) {
        if (limit) buckets.set(name, createCallRate(limit, maxKeys))
      }
    },
  }
  limiter.configure(settings)
  return limiter
}
