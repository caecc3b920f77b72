import type { RoomEvent } from '../../../core/event/event.ts'
import type { FederationClient } from '../../../network/federation-client.ts'
import type { EventReader } from '../../../storage/rooms/events.ts'
import type { RoomHead } from '../../rooms/room-head.ts'
import type { RoomWriter } from '../../rooms/room-writer.ts'
import type { Budget } from './budget.ts'
import type { PeerEvents } from './peer-events.ts'

/** What most servers answer at most. */
const EVENTS_PER_ROUND = 50
/**
 * A gap of so many rounds is asked for in any case; one of more only while each round leads further back, and this much time
 * is left for what it needs besides.
 */
const FEW_ROUNDS = 12
const MANY_ROUNDS = 120
const TIME_TO_SPARE_MS = 45_000
/** So long one server has for an answer: there may be others who know as well. */
const ROUND_MS = 30_000

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
    const walk = new GapWalk(this.#writer.context.read.events, event)
    await walk.goOn(given)
    let leadsOn = true
    for (let round = 0; walk.open.length > 0 && mayAsk({ round, leadsOn, budget }); round++) {
      const latest = walk.open.slice(0, 20)
      const limit = Math.min(EVENTS_PER_ROUND, budget.eventsLeft)
      const ask = { roomId: event.roomId, earliest, latest, limit, minDepth }
      const asked = await this.#peers.ask(
        () => this.#client.getMissingEvents(server, ask, budget.call(ROUND_MS)),
        event,
      )
      isHeard = asked.isHeard
      const added = asked.events.filter(
        one => !walk.hasFound(one.eventId) && one.depth >= minDepth && !head.isBeyondPurge(one),
      )
      if (added.length === 0) break
      budget.spend(added)
      leadsOn = await walk.goOn(added)
    }
    return { events: walk.inside, isHeard }
  }

  /** The same from a server that may not have the event itself: it is asked for those right before it. */
  async fromAfar(server: string, event: RoomEvent, budget: Budget): Promise<Gap> {
    const known = await this.#writer.context.read.events.byIds(event.prevEvents)
    const absent = event.prevEvents.filter(eventId => known.get(eventId)?.position === undefined)
    const { events } = await this.#peers.each(server, absent, event, budget)
    budget.spend(events)
    return this.between(server, event, budget, events)
  }

  /** Where the room begins for this server: what is older is history, to be fetched when somebody reads it. */
  async #beginning({ room }: RoomHead): Promise<number> {
    const missing = await this.#writer.context.read.rooms.missingEvents(room.nid)
    const [first, ...others] = missing.map(one => one.depth)
    return others.reduce((least, depth) => Math.min(least, depth), first ?? 0)
  }
}

const mayAsk = ({ round, leadsOn, budget }: { round: number; leadsOn: boolean; budget: Budget }): boolean => {
  if (budget.isSpent || round < FEW_ROUNDS) return !budget.isSpent
  return round < MANY_ROUNDS && leadsOn && budget.timeLeft > TIME_TO_SPARE_MS
}

/** Walks back from an event through those that peers give, as far as they lie between it and what is here: peers give more. */
class GapWalk {
  readonly #events: Pick<EventReader, 'byIds'>
  readonly #end: RoomEvent
  readonly #found = new Map<string, RoomEvent>()
  readonly #inside = new Map<string, RoomEvent>()
  /** Those whose `prev_events` are neither here nor found. */
  readonly #open = new Map<string, RoomEvent>()

  constructor(events: Pick<EventReader, 'byIds'>, end: RoomEvent) {
    this.#events = events
    this.#end = end
    this.#open.set(end.eventId, end)
  }

  get inside(): RoomEvent[] {
    return [...this.#inside.values()]
  }

  /** The IDs of those before which something is still missing. */
  get open(): string[] {
    return [...this.#open.keys()]
  }

  hasFound(eventId: string): boolean {
    return this.#found.has(eventId)
  }

  /** Goes on where it stopped for want of these, and perhaps others. Answers whether that led further back. */
  async goOn(given: readonly RoomEvent[]): Promise<boolean> {
    const reached = this.#inside.size
    for (const one of given) this.#found.set(one.eventId, one)
    let edge = [...this.#open.values()]
    this.#open.clear()
    while (edge.length > 0) {
      const stored = await this.#events.byIds(edge.flatMap(one => one.prevEvents))
      const next: RoomEvent[] = []
      for (const one of edge) {
        for (const eventId of one.prevEvents) {
          const isKnown = this.#inside.has(eventId) || eventId === this.#end.eventId
          if (isKnown || stored.get(eventId)?.position !== undefined) continue
          const earlier = this.#found.get(eventId)
          if (earlier === undefined) {
            this.#open.set(one.eventId, one)
          } else {
            this.#inside.set(eventId, earlier)
            next.push(earlier)
          }
        }
      }
      edge = next
    }
    return this.#inside.size > reached
  }
}
