/** `burst` calls at once, then `perSecond` on average. */
export interface RateLimit {
  readonly perSecond: number
  readonly burst: number
}

/** Answers how long to wait in milliseconds; 0 when the call is allowed, and then counted. */
export type CallRate = (key: string, now: number) => number

/**
 * The generic cell rate algorithm: one number per key, the instant at which it would be idle again, and no timer. Of the
 * keys at most `maxKeys` are remembered; beyond, the one that was seen least recently is forgotten.
 */
export const createCallRate = (limit: RateLimit, maxKeys: number): CallRate => {
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
