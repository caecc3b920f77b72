import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/**
 * Bytes, of both halves together. V8 would let it grow to 128 MB, and keeps what it has: a single large `/sync` would cost
 * 100 MB for good, and saves nothing, as what is made for a response is garbage at once.
 */
const ENOUGH = 32 * 1024 * 1024
/** The same where it is collected again and again: requests that wait would outlive most collections, and be copied by each. */
const ENOUGH_WHEN_BUSY = 2 * ENOUGH
/** So many collections within so many milliseconds are no single large response. */
const BUSY = { collections: 150, withinMs: 15_000 }

/**
 * Lets the young generation of the heap grow with what is asked of the server, but not beyond what pays. (V8 reads
 * `--max-semi-space-size` only when the process begins, and how it grows each time.) `bin/tessera.js` holds it small
 * while the server starts. @returns what ends it
 */
export const boundYoungGeneration = (): (() => void) => {
  let factor = 1
  /** When the latest collections began. */
  const latest: number[] = []
  const judge = (): void => {
    const span = (latest.at(-1) ?? 0) - (latest.at(-BUSY.collections) ?? Number.NEGATIVE_INFINITY)
    const enough = span < BUSY.withinMs ? ENOUGH_WHEN_BUSY : ENOUGH
    const size =
      getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0
    const wanted = size < enough ? 2 : 1
    if (wanted !== factor) setFlagsFromString(`--semi-space-growth-factor=${wanted}`)
    factor = wanted
  }
  judge()
  const observer = new PerformanceObserver(collections => {
    latest.push(...collections.getEntries().map(({ startTime }) => startTime))
    latest.splice(0, latest.length - BUSY.collections)
    judge()
  })
  observer.observe({ entryTypes: ['gc'] })
  return () => observer.disconnect()
}
