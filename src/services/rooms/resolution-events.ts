import type { RoomEvent } from '../../core/event/event.ts'
import type { ResolutionInput } from '../../core/state-resolution/resolution-input.ts'
import type { AuthNode } from '../../storage/rooms/auth-graph.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { PendingEvent } from './resolve.ts'

/** Events arrive from the reader thread and are parsed here: so many take a few milliseconds. */
const SLICE = 200

type Loaded = Pick<StoredEvent, 'nid' | 'generation' | 'rejected' | 'event'>

/** The events that a resolution has to have at hand, loaded once each. Those of other rooms are not there. */
export class ResolutionEvents {
  readonly byId = new Map<string, RoomEvent>()
  readonly #read: RoomReaders
  readonly #roomNid: number
  readonly #loaded = new Map<string, Loaded>()
  readonly #byNid = new Map<number, string>()

  constructor(read: RoomReaders, roomNid: number, pending: PendingEvent | undefined) {
    this.#read = read
    this.#roomNid = roomNid
    if (pending !== undefined) this.#take({ ...pending, rejected: undefined })
  }

  async loadNids(nids: readonly number[]): Promise<void> {
    const wanted = [...new Set(nids)].filter(nid => !this.#byNid.has(nid))
    for (let start = 0; start < wanted.length; start += SLICE) {
      for (const stored of await this.#read.events.byNids(wanted.slice(start, start + SLICE)))
        this.#takeOwn(stored)
    }
  }

  /**
   * Loads events by ID; answers whether any came.
   *
   * @param depth follows the power levels behind them so many times more: whoever walks back along them, comes by
   */
  async loadIds(eventIds: readonly string[], depth = 0): Promise<boolean> {
    let came = false
    let wanted = eventIds
    for (let step = 0; step <= depth && wanted.length > 0; step++) {
      const next: string[] = []
      const unknown = [...new Set(wanted)].filter(eventId => !this.#loaded.has(eventId))
      for (let start = 0; start < unknown.length; start += SLICE) {
        const events = await this.#read.events.byIds(unknown.slice(start, start + SLICE))
        for (const stored of events.values()) {
          came = this.#takeOwn(stored) || came
          if (stored.event.type === 'm.room.power_levels') next.push(...stored.event.authEvents)
        }
      }
      wanted = next
    }
    return came
  }

  all(): RoomEvent[] {
    return [...this.byId.values()]
  }

  idOf(nid: number): string | undefined {
    return this.#byNid.get(nid)
  }

  node(eventId: string): AuthNode | undefined {
    return this.#loaded.get(eventId)
  }

  listed(): ResolutionInput['events'] {
    return [...this.#loaded.values()].map(({ event, generation, rejected }) => ({
      eventId: event.eventId,
      pdu: event.pdu,
      generation,
      ...(rejected === undefined ? {} : { rejected: true }),
    }))
  }

  #takeOwn(stored: StoredEvent): boolean {
    if (stored.roomNid !== this.#roomNid) return false
    this.#take(stored)
    return true
  }

  #take(loaded: Loaded): void {
    const { eventId } = loaded.event
    this.#loaded.set(eventId, loaded)
    this.#byNid.set(loaded.nid, eventId)
    this.byId.set(eventId, loaded.event)
  }
}
