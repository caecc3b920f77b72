import { type CallRate, createCallRate, type RateLimit } from '../core/call-rate.ts'
import type { Clock } from '../core/clock.ts'
import { limitExceeded } from '../core/errors.ts'
import type { RateLimitBucket } from '../spec/operation.ts'

/** A bucket of the operations, or `ip`: all requests of one address together, before anything else is looked at. */
export type RateLimitName = RateLimitBucket | 'ip'

/** What is not named, or `false`, is not limited. The defaults are the configuration's. */
export type RateLimitSettings = Readonly<Partial<Record<RateLimitName, RateLimit | false>>>

/** Keys remembered per bucket; beyond it the one that was seen least recently is forgotten. */
const MAX_KEYS = 50_000

export interface RateLimiter {
  /**
   * Counts one call. Throws `M_LIMIT_EXCEEDED` (429) with `retry_after_ms` and `Retry-After` if it is one too many;
   * such a call does not count.
   */
  check(name: RateLimitName, key: string): void
  /** Replaces all limits; what was counted is forgotten. */
  configure(settings: RateLimitSettings): void
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
  const limiter: RateLimiter = {
    check(name, key) {
      const wait = buckets.get(name)?.(key, clock.now()) ?? 0
      if (wait > 0) throw limitExceeded(wait)
    },
    configure(changed) {
      buckets.clear()
      for (const [name, limit] of Object.entries(changed)) {
        if (limit) buckets.set(name, createCallRate(limit, maxKeys))
      }
    },
  }
  limiter.configure(settings)
  return limiter
}
