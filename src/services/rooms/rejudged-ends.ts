import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Extremity } from '../../storage/rooms/rooms.ts'
import { MAX_EXTREMITIES } from './fork-placement.ts'

type Placed = Pick<StoredEvent, 'event' | 'nid'>

const endOf = ({ nid, event: { eventId, depth } }: Placed): Extremity => ({ nid, eventId, depth })

/** The ends of a room's graph as events are gone through once more in the order in which they came. */
export class RejudgedEnds {
  /** What those that are refused refer to: an event that refers to them covers that. */
  readonly #refused = new Map<string, readonly string[]>()
  /** What accepted events refer to. */
  readonly #referred = new Set<string>()
  #current: readonly Extremity[] = []

  get current(): readonly Extremity[] {
    return this.#current
  }

  /** Where it begins: with the join, and what stands beside it. What these refer to may come later, and is no end. */
  begin(ends: readonly Placed[]): void {
    this.#current = ends.map(endOf)
    for (const { event } of ends) for (const referred of event.prevEvents) this.#referred.add(referred)
  }

  pass(placed: Placed, isRefused: boolean): void {
    const { eventId, prevEvents } = placed.event
    if (isRefused) {
      this.#refused.set(eventId, prevEvents)
      return
    }
    const fillsGap = this.#referred.has(eventId)
    for (const referred of prevEvents) this.#referred.add(referred)
    const covered = this.#coveredBy(prevEvents)
    const others = this.#current.filter(end => !covered.has(end.eventId))
    const grows = others.length === this.#current.length
    if (grows && (fillsGap || others.length >= MAX_EXTREMITIES)) return
    this.#current = fillsGap ? others : [endOf(placed), ...others]
  }

  /** What an event refers to, also through events that are refused. */
  #coveredBy(prevEvents: readonly string[]): Set<string> {
    const covered = new Set<string>()
    let wave = prevEvents
    while (wave.length > 0) {
      const fresh = wave.filter(eventId => !covered.has(eventId))
      for (const eventId of fresh) covered.add(eventId)
      wave = fresh.flatMap(eventId => this.#refused.get(eventId) ?? [])
    }
    return covered
  }
}
