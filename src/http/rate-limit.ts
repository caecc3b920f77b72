import type { Clock } from '../core/clock.ts'
import { MatrixError } from '../core/errors.ts'
import type { RateLimitBucket } from '../spec/operation.ts'

/** `burst` calls at once, then `perSecond` on average. */
export interface RateLimit {
  readonly perSecond: number
  readonly burst: number
}

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
  const buckets = new Map<string, Bucket>()
  const limiter: RateLimiter = {
    check(name, key) {
      const wait = buckets.get(name)?.(key, clock.now()) ?? 0
      if (wait <= 0) return
      throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many requests', {
        fields: { retry_after_ms: Math.ceil(wait) },
        headers: { 'Retry-After': String(Math.ceil(wait / 1000)) },
      })
    },
    configure(changed) {
      buckets.clear()
      for (const [name, limit] of Object.entries(changed)) {
        if (limit) buckets.set(name, createBucket(limit, maxKeys))
      }
    },
  }
  limiter.configure(settings)
  return limiter
}

/** Answers how long to wait in milliseconds; 0 when the call is allowed, and then counted. */
type Bucket = (key: string, now: number) => number

const createBucket = (limit: RateLimit, maxKeys: number): Bucket => {
  const interval = 1000 / limit.perSecond
  const tolerance = interval * (limit.burst - 1)
  const idleAt = new Map<string, number>()
  return (key, now) => {
    const known = idleAt.get(key) ?? now
    const wait = known - tolerance - now
    if (wait > 0) return wait
    // Put last, so that the map is ordered by use.
    idleAt.delete(key)
    idleAt.set(key, Math.max(known, now) + interval)
    if (idleAt.size > maxKeys) {
      const [oldest] = idleAt.keys()
      if (oldest !== undefined) idleAt.delete(oldest)
    }
    return 0
  }
}
