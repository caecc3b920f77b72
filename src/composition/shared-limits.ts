import type { Clock } from '../core/clock.ts'
import type { RateLimiter, TakenCalls } from '../http/rate-limit.ts'
import type { Processes } from '../services/processes.ts'
import type { Running } from './running.ts'

/** So often processes tell each other what they have counted. Milliseconds. */
const EVERY_MS = 1_000

/** What one process tells the others. */
type Told = { readonly by: string; readonly taken: readonly TakenCalls[] }

/**
 * Has the processes of a database count requests together, approximately: each lets pass what it thinks right, and takes down a
 * second later what the others did. One that is alone counts alone.
 */
export const shareLimits = (
  limiter: Pick<RateLimiter, 'taken' | 'charge'>,
  { processes, clock }: { processes: Processes; clock: Clock },
): Running => {
  const { bulletin, id: by } = processes
  const closing = new AbortController()
  let running: Promise<void> | undefined
  const tell = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await clock.sleep(EVERY_MS, closing.signal).catch(() => undefined)
      const taken = limiter.taken()
      const told: Told = { by, taken }
      if (taken.length > 0) await bulletin.post('rate limits', told)
    }
  }
  if (!bulletin.isAlone) {
    bulletin.on('rate limits', news => {
      const { by: other, taken } = news as Told
      if (other !== by) limiter.charge(taken)
    })
  }
  return {
    start: () => {
      if (!bulletin.isAlone) running ??= tell()
    },
    close: async () => {
      closing.abort()
      await running
    },
  }
}
