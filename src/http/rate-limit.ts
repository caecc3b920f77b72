import type { Clock } from '../core/clock.ts'
import { MatrixError } from '../core/errors.ts'
import { RATE_LIMIT_BUCKETS, type RateLimitBucket } from '../spec/operation.ts'

/** `burst` calls at once, then `perSecond` on average. */
export interface RateLimit {
  readonly perSecond: number
  readonly burst: number
}

/** A bucket of the operations, or `ip`: all requests of one address together, before anything else is looked at. */
export type RateLimitName = RateLimitBucket | 'ip'

/** `false` switches a limit off. What is not named keeps its default. */
export type RateLimitSettings = Readonly<Partial<Record<RateLimitName, RateLimit | false>>>

export const DEFAULT_RATE_LIMITS: Readonly<Record<RateLimitName, RateLimit>> = {
  ip: { perSecond: 100, burst: 500 },
  login: { perSecond: 0.2, burst: 10 },
  register: { perSecond: 0.2, burst: 10 },
  message: { perSecond: 5, burst: 50 },
  join: { perSecond: 0.5, burst: 20 },
  invite: { perSecond: 0.5, burst: 20 },
  'create-room': { perSecond: 0.1, burst: 10 },
  ephemeral: { perSecond: 10, burst: 100 },
  sync: { perSecond: 5, burst: 50 },
  search: { perSecond: 2, burst: 20 },
  account: { perSecond: 0.2, burst: 20 },
  keys: { perSecond: 10, burst: 200 },
  upload: { perSecond: 1, burst: 30 },
  download: { perSecond: 30, burst: 300 },
  preview: { perSecond: 2, burst: 20 },
  'third-party-token': { perSecond: 0.02, burst: 5 },
  read: { perSecond: 30, burst: 300 },
  write: { perSecond: 5, burst: 100 },
  public: { perSecond: 10, burst: 100 },
  federation: { perSecond: 50, burst: 500 },
  'federation-join': { perSecond: 2, burst: 50 },
  admin: { perSecond: 20, burst: 200 },
}

/** Keys remembered per bucket; beyond it the one that was seen least recently is forgotten. */
const MAX_KEYS = 50_000

export interface RateLimiter {
  /**
   * Counts one call. Throws `M_LIMIT_EXCEEDED` (429) with `retry_after_ms` and `Retry-After` if it is one too many;
   * such a call does not count.
   */
  check(name: RateLimitName, key: string): void
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
  const buckets = new Map(
    ([...RATE_LIMIT_BUCKETS, 'ip'] as const).flatMap(name => {
      const limit = settings[name] ?? DEFAULT_RATE_LIMITS[name]
      return settings[name] === false || limit === false
        ? []
        : [[name as string, createBucket(limit, maxKeys)] as const]
    }),
  )
  return {
    check(name, key) {
      const wait = buckets.get(name)?.(key, clock.now()) ?? 0
      if (wait <= 0) return
      throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many requests', {
        fields: { retry_after_ms: Math.ceil(wait) },
        headers: { 'Retry-After': String(Math.ceil(wait / 1000)) },
      })
    },
  }
}

/** Answers how long to wait in milliseconds; 0 when the call is allowed, and then counted. */
const createBucket = (limit: RateLimit, maxKeys: number): ((key: string, now: number) => number) => {
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
