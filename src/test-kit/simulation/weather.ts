import type { OutboundResponse } from '../../network/http-client.ts'
import { OutboundError } from '../../network/outbound-error.ts'
import type { FakeClock } from '../fake-clock.ts'
import { SeededRandom } from '../seeded-random.ts'

/** How bad a network is. */
export interface WeatherOptions {
  /** Of each hundred requests: so many never arrive, so many are answered in vain, so many arrive twice. */
  readonly lost: number
  readonly unanswered: number
  readonly repeated: number
  /** Milliseconds that a request, and its answer, are under way at most. */
  readonly delayMs: number
}

export const FAIR: WeatherOptions = { lost: 0, unanswered: 0, repeated: 0, delayMs: 20 }
export const FOUL: WeatherOptions = { lost: 8, unanswered: 8, repeated: 5, delayMs: 400 }

/**
 * A network that loses, delays, repeats and parts. What becomes of a request follows from the seed, its way, and how
 * many there were of its kind before: not from the order in which servers come to ask.
 */
export class Weather {
  now: WeatherOptions = FAIR
  readonly #clock: FakeClock
  readonly #seed: number
  readonly #counts = new Map<string, number>()
  readonly #side = new Map<string, number>()

  constructor(clock: FakeClock, seed: number) {
    this.#clock = clock
    this.#seed = seed
  }

  /** Puts servers on sides that do not hear of each other. */
  part(sides: ReadonlyMap<string, number>): void {
    for (const [server, side] of sides) this.#side.set(server, side)
  }

  heal(): void {
    this.#side.clear()
    this.now = FAIR
  }

  /** What becomes of a request on its way: it is delivered once, never, later, or more than once. */
  async carry(
    { from, to, method, path }: { from: string; to: string; method: string; path: string },
    deliver: () => Promise<OutboundResponse>,
  ): Promise<OutboundResponse> {
    const kind = `${from} ${to} ${method} ${path.split('/').slice(0, 6).join('/')}`
    const count = this.#counts.get(kind) ?? 0
    this.#counts.set(kind, count + 1)
    const random = new SeededRandom(hashOf(`${this.#seed} ${kind} ${count}`))
    const { lost, unanswered, repeated, delayMs } = this.now
    await this.#clock.sleep(random.below(delayMs))
    if (this.#isParted(from, to) || random.below(100) < lost) throw gone()
    if (random.below(100) < repeated) await deliver()
    const response = await deliver()
    await this.#clock.sleep(random.below(delayMs))
    if (this.#isParted(from, to) || random.below(100) < unanswered) throw silence()
    return response
  }

  #isParted(a: string, b: string): boolean {
    return (this.#side.get(a) ?? 0) !== (this.#side.get(b) ?? 0)
  }
}

const gone = () => new OutboundError('unreachable', 'lost on the way')
const silence = () => new OutboundError('timeout', 'the answer was lost on the way')

/** FNV-1a. */
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
