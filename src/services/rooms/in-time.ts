import type { Clock } from '../../core/clock.ts'

/** What comes of something within so long (milliseconds); `undefined` of what takes longer, which nobody waits for any more. */
export const inTime = async <T>(
  clock: Pick<Clock, 'sleep'>,
  ms: number,
  coming: Promise<T>,
): Promise<T | undefined> => {
  const over = new AbortController()
  const timeOut = clock.sleep(ms, over.signal).then(
    () => undefined,
    () => undefined,
  )
  // Nobody hears of it any more if it fails later.
  coming.catch(() => undefined)
  try {
    return await Promise.race([coming, timeOut])
  } finally {
    over.abort()
  }
}
