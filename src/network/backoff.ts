/**
 * When to try a destination again. A state machine of values: whoever keeps the states (a store) and whoever asks
 * (the sender, the event fetcher) share these rules. Instants are milliseconds since 1970.
 */

/** A destination that does not answer. One that does has no state. */
export interface BackoffState {
  /** Attempts that failed since the destination was last heard of. */
  readonly failures: number
  readonly firstFailedAt: number
  readonly lastFailedAt: number
  /** No attempt before this instant. */
  readonly retryAt: number
}

export interface BackoffPolicy {
  /** The wait after the first failure. */
  readonly initialMs: number
  /** By how much each failure multiplies the wait. */
  readonly factor: number
  readonly maxMs: number
  /** How much of the wait is drawn: 0.2 spreads it over 80 % to 120 %. */
  readonly jitter: number
}

export const DEFAULT_BACKOFF: BackoffPolicy = {
  initialMs: 30_000,
  factor: 2,
  maxMs: 24 * 60 * 60_000,
  jitter: 0.2,
}

/**
 * The state after a failed attempt.
 *
 * @param previous `undefined` after a success, or at first.
 * @param attempt.random from 0 up to, not including, 1.
 * @param attempt.retryAfterMs the wait that the destination asked for; it only lengthens ours, up to the cap.
 */
export const afterFailure = (
  previous: BackoffState | undefined,
  attempt: { readonly now: number; readonly random: number; readonly retryAfterMs?: number | undefined },
  policy: BackoffPolicy = DEFAULT_BACKOFF,
): BackoffState => {
  const { now, random, retryAfterMs = 0 } = attempt
  const failures = (previous?.failures ?? 0) + 1
  const wait = Math.min(policy.maxMs, policy.initialMs * policy.factor ** (failures - 1))
  const spread = wait * (1 + policy.jitter * (2 * random - 1))
  const delay = Math.min(policy.maxMs, Math.max(spread, retryAfterMs))
  return {
    failures,
    firstFailedAt: previous?.firstFailedAt ?? now,
    lastFailedAt: now,
    retryAt: now + Math.round(delay),
  }
}

/**
 * The state after a request came in from the destination: it is alive, so the next attempt may be made now. Only not
 * sooner than the first wait after the last failure: a server that talks to us but cannot be reached would otherwise
 * set off an attempt with each of its requests. Answers the same state where nothing changes.
 */
export const afterInbound = (
  state: BackoffState,
  now: number,
  policy: BackoffPolicy = DEFAULT_BACKOFF,
): BackoffState => {
  if (state.failures === 0) return state
  const soonest = Math.max(now, state.lastFailedAt + policy.initialMs)
  return { ...state, failures: 0, retryAt: Math.min(state.retryAt, soonest) }
}

/**
 * Whether an attempt may be made now: also where the last one lies in the future. The clock has been set back since then, and nobody
 * knows how long has been waited.
 */
export const mayTry = (state: BackoffState | undefined, now: number): boolean =>
  state === undefined || now >= state.retryAt || now < state.lastFailedAt
