/** `burst` calls at once, then `perSecond` on average. */
export interface RateLimit {
  readonly perSecond: number
  readonly burst: number
}

export interface CallRate {
  /**
   * Answers how long to wait in milliseconds; 0 when the call is allowed, and then counted. One that does the work of several
   * is allowed as one is, and counts as all of them: what it took too much is waited for afterwards.
   */
  (key: string, now: number, calls?: number): number
  /** Counts calls that were allowed elsewhere; beyond a full bucket they no longer count. */
  charge(key: string, calls: number, now: number): void
  /** Takes one call back that was allowed: it does not count after all. */
  takeBack(key: string, now: number): void
}

/**
 * The generic cell rate algorithm: one number per key, the instant at which it would be idle again, and no timer. Of the
 * keys at most `maxKeys` are remembered; beyond, the one that was seen least recently is forgotten. When the clock is set back,
 * nobody has to wait until it is again what it was.
 */
export const createCallRate = (limit: RateLimit, maxKeys: number): CallRate => {
  const interval = 1000 / limit.perSecond
  const tolerance = interval * (limit.burst - 1)
  const idleAt = new Map<string, number>()
  const remember = (key: string, at: number): void => {
    // Put last, so that the map is ordered by use.
    idleAt.delete(key)
    idleAt.set(key, at)
    if (idleAt.size <= maxKeys) return
    const [oldest] = idleAt.keys()
    if (oldest !== undefined) idleAt.delete(oldest)
  }
  const steady = steadyTime()
  const rate = (key: string, clockTime: number, calls = 1): number => {
    const now = steady(clockTime)
    const known = idleAt.get(key) ?? now
    const wait = known - tolerance - now
    if (wait > 0) return wait
    remember(key, Math.max(known, now) + interval * calls)
    return 0
  }
  const charge: CallRate['charge'] = (key, calls, clockTime) => {
    const now = steady(clockTime)
    const charged = Math.max(idleAt.get(key) ?? now, now) + calls * interval
    remember(key, Math.min(charged, now + tolerance + interval))
  }
  const takeBack: CallRate['takeBack'] = (key, clockTime) => {
    const now = steady(clockTime)
    const left = (idleAt.get(key) ?? now) - interval
    if (left > now) remember(key, left)
    else idleAt.delete(key)
  }
  return Object.assign(rate, { charge, takeBack })
}

/** Makes instants of a clock into ones that never go back: where it is set back, time goes on from where it was. */
const steadyTime = (): ((now: number) => number) => {
  let latest = Number.NEGATIVE_INFINITY
  let setBack = 0
  return now => {
    if (now + setBack < latest) setBack = latest - now
    latest = now + setBack
    return latest
  }
}
