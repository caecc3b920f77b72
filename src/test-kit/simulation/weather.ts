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
  /** So many come late once more, so many are answered with but the beginning, or by whoever is in between. */
  readonly late: number
  readonly cut: number
  readonly barred: number
}

/** So much later something may come again. Milliseconds. */
const LATE_MS = 20_000

const CALM = { late: 0, cut: 0, barred: 0 }
export const FAIR: WeatherOptions = { lost: 0, unanswered: 0, repeated: 0, delayMs: 20, ...CALM }
export const FOUL: WeatherOptions = { lost: 8, unanswered: 8, repeated: 5, delayMs: 400, ...CALM }
export const STORM: WeatherOptions = { ...FOUL, repeated: 10, late: 10, cut: 4, barred: 4 }

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
  #late = 0

  constructor(clock: FakeClock, seed: number) {
    this.#clock = clock
    this.#seed = seed
  }

  /** Puts servers on sides that do not hear of each other. */
  part(sides: ReadonlyMap<string, number>): void {
    for (const [server, side] of sides) this.#side.set(server, side)
  }

  /** How much is still to come late. */
  get late(): number {
    return this.#late
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
    const { lost, unanswered, repeated, delayMs, late, cut, barred } = this.now
    await this.#clock.sleep(random.below(delayMs))
    if (this.#isParted(from, to) || random.below(100) < lost) throw gone()
    if (random.below(100) < repeated) await deliver()
    if (random.below(100) < barred) return { status: 502, headers: {}, body: Buffer.from('<html>') }
    if (random.below(100) < late) void this.#deliverLate(random.below(LATE_MS), deliver)
    const response = await deliver()
    await this.#clock.sleep(random.below(delayMs))
    if (this.#isParted(from, to) || random.below(100) < unanswered) throw silence()
    const isCut = random.below(100) < cut
    return isCut ? { ...response, body: response.body.subarray(0, response.body.length / 2) } : response
  }

  /** The same once more, of which whoever has sent it never hears. */
  async #deliverLate(ms: number, deliver: () => Promise<OutboundResponse>): Promise<void> {
    this.#late++
    await this.#clock.sleep(ms)
    await deliver().catch(() => undefined)
    this.#late--
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
