import type { Clock } from '../../core/clock.ts'
import type { SeededRandom } from '../seeded-random.ts'

/** So far clocks of servers may be ahead, or behind. Milliseconds. */
const APART_MS = [0, 2_000, -2_000, 90_000, -90_000, 50 * 60_000, -50 * 60_000]

/** A clock that goes as another does, and is ahead of it (milliseconds), or behind. */
class SkewedClock implements Clock {
  readonly #clock: Clock
  readonly #aheadMs: number

  constructor(clock: Clock, aheadMs: number) {
    this.#clock = clock
    this.#aheadMs = aheadMs
  }

  now(): number {
    return this.#clock.now() + this.#aheadMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, signal)
  }
}

/** The clocks of servers, which are apart. */
export class ServerClocks {
  readonly #clock: Clock
  /** How far they are ahead, by server. */
  readonly #aheadMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** That of a server which starts: now and then somebody has set it while the server was down. */
  of(name: string, random: SeededRandom): Clock {
    const known = this.#aheadMs.get(name)
    const aheadMs = known === undefined || random.chance(0.2) ? random.pick(APART_MS) : known
    this.#aheadMs.set(name, aheadMs)
    return new SkewedClock(this.#clock, aheadMs)
  }
}
