import type { RoomEvent } from '../../../core/event/event.ts'
import type { FederationClient } from '../../../network/federation-client.ts'
import type { RoomHead } from '../../rooms/room-head.ts'
import type { RoomWriter } from '../../rooms/room-writer.ts'
import type { Budget } from './budget.ts'
import type { PeerEvents } from './peer-events.ts'

const MAX_ROUNDS = 12
/** What most servers answer at most. */
const EVENTS_PER_ROUND = 50

/** What lies between an event and what is here, and whether the peer that was asked for it has spoken. */
export interface Gap {
  readonly events: readonly RoomEvent[]
  readonly isHeard: boolean
}

/** Fetches what lies between an event and what is here. */
export class GapEvents {
  readonly #writer: RoomWriter
  readonly #client: Pick<FederationClient, 'getMissingEvents'>
  readonly #peers: PeerEvents

  constructor(parts: {
    writer: RoomWriter
    client: Pick<FederationClient, 'getMissingEvents'>
    peers: PeerEvents
  }) {
    this.#writer = parts.writer
    this.#client = parts.client
    this.#peers = parts.peers
  }

  /** The events between this one and what is here, as far as the peer gives them. */
  async between(
    server: string,
    event: RoomEvent,
    budget: Budget,
    given: readonly RoomEvent[] = [],
  ): Promise<Gap> {
    const head = await this.#writer.head(event.roomId)
    if (head === undefined) return { events: [], isHeard: true }
    let isHeard = true
    const earliest = head.extremities.slice(0, 20).map(extremity => extremity.eventId)
    const minDepth = await this.#beginning(head)
    const found = new Map(given.map(one => [one.eventId, one]))
    let gap = await this.#gap(event, found)
    for (let round = 0; round < MAX_ROUNDS && !budget.isSpent && gap.open.length > 0; round++) {
      const latest = gap.open.slice(0, 20)
      const limit = Math.min(EVENTS_PER_ROUND, budget.eventsLeft)
      const ask = { roomId: event.roomId, earliest, latest, limit, minDepth }
      const asked = await this.#peers.ask(
        () => this.#client.getMissingEvents(server, ask, { timeoutMs: budget.timeLeft }),
        event,
      )
      isHeard = asked.isHeard
      const added = asked.events.filter(
        one => !found.has(one.eventId) && one.depth >= minDepth && !head.isBeyondPurge(one),
      )
      if (added.length === 0) break
      for (const one of added) found.set(one.eventId, one)
      budget.spend(added.length)
      gap = await this.#gap(event, found)
    }
    return { events: gap.inside, isHeard }
  }

  /** The same from a server that may not have the event itself: it is asked for those right before it. */
  async fromAfar(server: string, event: RoomEvent, budget: Budget): Promise<Gap> {
    const known = await this.#writer.context.read.events.byIds(event.prevEvents)
    const absent = event.prevEvents.filter(eventId => known.get(eventId)?.position === undefined)
    const { events } = await this.#peers.each(server, absent, event, budget)
    budget.spend(events.length)
    return this.between(server, event, budget, events)
  }

  /** Where the room begins for this server: what is older is history, to be fetched when somebody reads it. */
  async #beginning({ room }: RoomHead): Promise<number> {
    const missing = await this.#writer.context.read.rooms.missingEvents(room.nid)
    return missing.length === 0 ? 0 : Math.min(...missing.map(one => one.depth))
  }

  /**
   * What of the found events lies between this one and what is here (peers give more than that), and the IDs of those
   * whose `prev_events` are neither here nor found.
   */
  async #gap(
    event: RoomEvent,
    found: ReadonlyMap<string, RoomEvent>,
  ): Promise<{ inside: RoomEvent[]; open: string[] }> {
    const inside = new Map<string, RoomEvent>()
    const open = new Set<string>()
    let edge = [event]
    while (edge.length > 0) {
      const stored = await this.#writer.context.read.events.byIds(edge.flatMap(one => one.prevEvents))
      const next = new Map<string, RoomEvent>()
      for (const one of edge) {
        for (const eventId of one.prevEvents) {
          if (stored.get(eventId)?.position !== undefined || inside.has(eventId)) continue
          const earlier = found.get(eventId)
          if (earlier === undefined) open.add(one.eventId)
          else next.set(eventId, earlier)
        }
      }
      for (const [eventId, one] of next) inside.set(eventId, one)
      edge = [...next.values()]
    }
    inside.delete(event.eventId)
    return { inside: [...inside.values()], open: [...open] }
  }
}
