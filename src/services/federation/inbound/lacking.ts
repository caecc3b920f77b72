import type { Arrival } from './arrival.ts'

/** For so many events of a room other servers are asked at a time. */
const MAX_AT_ONCE = 4

/**
 * Events of a room that lack something which takes other servers. These are asked for one event after another, and for those of one
 * more server beside it while that takes long: a server that does not answer keeps nothing waiting but what it has sent.
 */
export class Lacking {
  /** In the order of their arrival. */
  readonly #waiting: Arrival[] = []
  /** Those for which others are being asked, and whether that takes long. */
  readonly #asked = new Map<Arrival, 'as usual' | 'long'>()
  /** For how many events of each server others were asked. */
  readonly #turns = new Map<string, number>()
  #takenOut = 0

  /** Whether nothing waits, nor is to be put back, and nobody is being asked. */
  get isEmpty(): boolean {
    return this.#waiting.length + this.#takenOut + this.#asked.size === 0
  }

  add(arrivals: readonly Arrival[]): void {
    this.#waiting.push(...arrivals)
  }

  /** The event for which others are to be asked now, if there is one: servers that have sent some take turns. */
  next(): Arrival | undefined {
    const asked = [...this.#asked]
    if (asked.length >= MAX_AT_ONCE || asked.some(([, pace]) => pace === 'as usual')) return undefined
    const busy = new Set(asked.map(([{ origin }]) => origin))
    let next: Arrival | undefined
    for (const one of this.#waiting) {
      if (busy.has(one.origin)) continue
      if (next === undefined || this.#turnsOf(one) < this.#turnsOf(next)) next = one
    }
    if (next === undefined) return undefined
    this.#waiting.splice(this.#waiting.indexOf(next), 1)
    this.#asked.set(next, 'as usual')
    this.#turns.set(next.origin, this.#turnsOf(next) + 1)
    return next
  }

  /** To ask for this one takes long. */
  isLong(arrival: Arrival): void {
    if (this.#asked.has(arrival)) this.#asked.set(arrival, 'long')
  }

  /** Nobody is asked for this one any more. */
  over(arrival: Arrival): void {
    this.#asked.delete(arrival)
  }

  /** Looks once more at the first ones that wait; `look` answers those of them that still lack something. */
  async review(count: number, look: (arrivals: readonly Arrival[]) => Promise<Arrival[]>): Promise<void> {
    const some = this.#waiting.splice(0, count)
    this.#takenOut += some.length
    const lacking = await look(some)
    this.#takenOut -= some.length
    this.#waiting.unshift(...lacking)
  }

  #turnsOf({ origin }: Arrival): number {
    return this.#turns.get(origin) ?? 0
  }
}
