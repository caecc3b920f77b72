import { LRUCache } from 'lru-cache'
import type { Clock } from '../../../core/clock.ts'
import type { Log } from '../../../core/log.ts'

/** So often the operator is told of one server; milliseconds. */
const TELL_EVERY_MS = 10 * 60_000
const MAX_SERVERS = 1_000

/** An event that was not taken, as far as its ID can be told, and why. */
export interface DroppedEvent {
  readonly eventId?: string | undefined
  readonly refusal: string
}

/** Logs which servers send events that cannot be taken: each now and then, however many these are. */
export class DroppedEvents {
  readonly #clock: Clock
  readonly #log: Log
  readonly #told = new LRUCache<string, { readonly ts: number; since: number }>({ max: MAX_SERVERS })

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** What of a transaction was dropped, of one room. */
  dropped(origin: string, roomId: string, events: readonly DroppedEvent[]): void {
    const [first] = events
    if (first === undefined) return
    const fields = {
      origin,
      room: roomId,
      events: events.length,
      event: first.eventId,
      reason: first.refusal,
    }
    const before = this.#told.get(origin)
    const now = this.#clock.now()
    if (before !== undefined && now - before.ts < TELL_EVERY_MS) {
      before.since += events.length
      this.#log.debug(fields, 'events dropped')
      return
    }
    this.#told.set(origin, { ts: now, since: 0 })
    const earlier = before === undefined || before.since === 0 ? {} : { earlier: before.since }
    this.#log.info({ ...fields, ...earlier }, 'events dropped')
  }
}
