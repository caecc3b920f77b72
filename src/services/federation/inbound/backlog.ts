import type { Arrival } from './arrival.ts'

/** A server that has so many events waiting is made to wait itself. */
const MAX_WAITING_PER_ORIGIN = 500

/** One of whose events some were left out for that is taken up again once it has worked off so many. */
const ROOM_AGAIN = MAX_WAITING_PER_ORIGIN / 2

/** All events that are being worked on, each once, and how many of them each server has sent. */
export class Backlog {
  readonly #arrivals = new Map<string, Arrival>()
  readonly #ofOrigin = new Map<string, number>()
  #released: (() => void)[] = []
  #isClosed = false

  /** The same event as it came before, from this server or another. */
  known({ key }: Pick<Arrival, 'key'>): Arrival | undefined {
    return this.#arrivals.get(key)
  }

  add(arrival: Arrival): void {
    this.#arrivals.set(arrival.key, arrival)
    this.#count(arrival.origin, 1)
  }

  /** It has been dealt with, or is to be later. */
  remove(arrival: Arrival): void {
    this.#arrivals.delete(arrival.key)
    this.#count(arrival.origin, -1)
    const released = this.#released
    this.#released = []
    for (const release of released) release()
  }

  /** Resolves once a server has few enough events waiting to send more. */
  async room(origin: string): Promise<void> {
    while (!this.hasRoom(origin) && !this.#isClosed) await this.#removal()
  }

  hasRoom(origin: string): boolean {
    return this.#waitingOf(origin) < MAX_WAITING_PER_ORIGIN
  }

  /** Resolves once one of some servers has room for many events. */
  async roomOfOne(origins: ReadonlySet<string>): Promise<void> {
    const isFull = (origin: string): boolean => this.#waitingOf(origin) > ROOM_AGAIN
    while ([...origins].every(isFull) && !this.#isClosed) await this.#removal()
  }

  /** Resolves once there is nothing. */
  async empty(): Promise<void> {
    while (this.#arrivals.size > 0) await this.#removal()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Nobody is made to wait any more. */
  close(): void {
    this.#isClosed = true
  }

  #removal(): Promise<void> {
    return new Promise(resolve => this.#released.push(resolve))
  }

  #waitingOf(origin: string): number {
    return this.#ofOrigin.get(origin) ?? 0
  }

  #count(origin: string, by: number): void {
    const count = this.#waitingOf(origin) + by
    if (count > 0) this.#ofOrigin.set(origin, count)
    else this.#ofOrigin.delete(origin)
  }
}
