import { growingCache } from '../../core/growing-cache.ts'
import type { Log } from '../../core/log.ts'
import type { ResolutionInput, ResolutionOutcome } from '../../core/state-resolution/resolution-input.ts'
import type { Metrics } from '../metrics/index.ts'

/** So many resets are remembered to have been told. */
const MAX_TOLD = 10_000
/** What is longer (characters of JSON) is not written into the log. */
const MAX_LOGGED = 1_000_000

/**
 * Tells operators of resets: each once. As long as the branches stand that have led to it, they are resolved again with every event that
 * comes, and come to the same.
 */
export class StateResets {
  readonly #log: Log
  readonly #metrics: Pick<Metrics['rooms'], 'reset'> | undefined
  readonly #told = growingCache<string, true>(MAX_TOLD)

  constructor(log: Log, metrics: Pick<Metrics['rooms'], 'reset'> | undefined) {
    this.#log = log
    this.#metrics = metrics
  }

  /** What came of a resolution in a room. */
  tell(room: string, input: ResolutionInput, { resets }: Pick<ResolutionOutcome, 'resets'>): void {
    const fresh = resets.filter(({ type, stateKey, resolved, held }) => {
      const key = JSON.stringify([room, type, stateKey, resolved, held.toSorted()])
      const isFresh = !this.#told.has(key)
      this.#told.set(key, true)
      return isFresh
    })
    if (fresh.length === 0) return
    this.#metrics?.reset()
    const resolution = JSON.stringify(input)
    const isShort = resolution.length <= MAX_LOGGED
    this.#log.warn(
      { room, resets, ...(isShort ? { resolution } : {}) },
      `state resolution has set back what all sides held${isShort ? ': replay it with tessera debug resolve' : ''}`,
    )
  }
}
