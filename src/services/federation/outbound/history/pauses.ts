import type { Clock } from '../../../../core/clock.ts'
import { growingCache } from '../../../../core/growing-cache.ts'

/** After nobody had anything, so long (milliseconds) nobody is asked again: the longer, the more often it was so. */
const QUIET_MS = 60_000
const MOST_QUIET_MS = 3_600_000

/** Where nobody had anything: how often in a row, and how many servers have said so. */
export interface InVain {
  readonly times: number
  readonly asked: number
  /** When somebody first gave what hangs on what cannot be verified. */
  readonly since: number | undefined
}

interface Pause extends InVain {
  readonly from: number
  /** Who was asked and could not be heard, and whose events could not be verified, as where their keys cannot be fetched. */
  readonly unheard: readonly string[]
}

/**
 * For which parts of rooms' histories nobody is asked for now. Whoever could not be heard has not said that there is nothing: once
 * one of them is there again, the pause is as short as after the first failure. It is no shorter, or a server that talks to us but
 * cannot be reached would have us ask with each of its requests.
 */
export class Pauses {
  readonly #clock: Clock
  readonly #pauses = growingCache<string, Pause>(1_000)
  /** Servers that could not be heard when they were asked last. */
  readonly #unheard = growingCache<string, true>(10_000)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What was in vain so far for a part. */
  inVain(part: string): InVain | undefined {
    return this.#pauses.get(part)
  }

  /** Whether nobody is to be asked for a part now. */
  isQuiet(part: string): boolean {
    const pause = this.#pauses.get(part)
    if (pause === undefined) return false
    const isAnyBack = pause.unheard.some(server => !this.#unheard.has(server))
    const quietMs = isAnyBack ? QUIET_MS : Math.min(QUIET_MS * 2 ** (pause.times - 1), MOST_QUIET_MS)
    return pause.from + quietMs > this.#clock.now()
  }

  /** It was in vain again. */
  begin(part: string, { asked, since, unheard }: Omit<Pause, 'times' | 'from'>): void {
    const times = (this.#pauses.get(part)?.times ?? 0) + 1
    for (const server of unheard) this.#unheard.set(server, true)
    this.#pauses.set(part, { times, asked, since, unheard, from: this.#clock.now() })
  }

  /** Something came. */
  end(part: string): void {
    this.#pauses.delete(part)
  }

  /** A server is there again. Cheap. */
  heardOf(server: string): void {
    this.#unheard.delete(server)
  }
}
