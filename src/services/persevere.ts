import type { Clock } from '../core/clock.ts'

/** Before the second attempt, and between two at most. Milliseconds. */
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 60_000

/**
 * Makes an attempt, and makes it again until it succeeds, ever more rarely: whatever follows the database must not wait for the next
 * commit to be told again of the last one, which may be long in coming. Resolves also when the signal is aborted.
 */
export const persevere = async (
  attempt: () => Promise<void>,
  { clock, signal, failed }: { clock: Clock; signal: AbortSignal; failed: (error: unknown) => void },
): Promise<void> => {
  for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await attempt()
    } catch (error) {
      failed(error)
    }
    await clock.sleep(pause, signal).catch(() => undefined)
  }
}
