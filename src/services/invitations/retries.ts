const MINUTE_MS = 60_000
const MAX_PAUSE_MS = 60 * MINUTE_MS
/** A server that has not answered for so long is given up. */
const TRY_FOR_MS = 7 * 24 * 60 * MINUTE_MS

/**
 * When to try again what was due at an instant (ms): after as long as it has been late, so that the pauses double, up to
 * an hour. `undefined` after a week.
 */
export const retryAt = (dueTs: number, now: number): number | undefined => {
  const late = now - dueTs
  return late >= TRY_FOR_MS ? undefined : now + Math.min(Math.max(late, MINUTE_MS), MAX_PAUSE_MS)
}
