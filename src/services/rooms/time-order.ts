import type { RoomEvent } from '../../core/event/event.ts'
import type { SqlParameter } from '../../storage/database.ts'
import type { EventsInOrder } from '../../storage/rooms/rooms.ts'

/** Which events enter a room's timeline in the order in which they were sent: `EventTimeReader` finds those by where they stand. */
export class TimeOrder {
  #latestTs: number
  #added: EventsInOrder | undefined

  /** @param latestTs when the last of them was sent, so far */
  constructor(latestTs: number) {
    this.#latestTs = latestTs
  }

  /**
   * Whether an event, last in the timeline, comes in the order of time. One that says to be of the future does not: all that comes
   * until then would be out of order.
   */
  admits({ originServerTs }: Pick<RoomEvent, 'originServerTs'>, now: number): boolean {
    return originServerTs >= this.#latestTs && originServerTs <= now
  }

  /** Takes note of an event that does. */
  add({ originServerTs }: Pick<RoomEvent, 'originServerTs'>, position: SqlParameter): void {
    const first = this.#latestTs === 0 ? position : null
    this.#latestTs = originServerTs
    this.#added = { latestTs: originServerTs, position: this.#added?.position ?? first }
  }

  /** Those of which note was taken since this was last asked. */
  take(): EventsInOrder | undefined {
    const added = this.#added
    this.#added = undefined
    return added
  }
}
