import type { Clock } from '../../../core/clock.ts'
import { MatrixError } from '../../../core/errors.ts'
import { asItTravels } from '../../../core/event/loose-numbers.ts'
import { redactPdu } from '../../../core/event/redaction.ts'
import type { JsonObject } from '../../../core/json.ts'
import { ServerMembershipReader } from '../../../storage/federation/server-memberships.ts'
import type { StoredEvent } from '../../../storage/rooms/events.ts'
import { type Body, listBody, objectBody } from '../../body.ts'
import type { RoomHead } from '../../rooms/room-head.ts'
import type { RoomsContext, RoomWriter } from '../../rooms/room-writer.ts'
import { type RoomState, stateBefore } from '../../rooms/state-at.ts'
import { pduTexts } from './join-answer.ts'
import type { OpenedRoom, RoomGate } from './room-gate.ts'
import { holdsIn, isHollow, mayHideHistory, serverSightOf, stickyAmong } from './server-sight.ts'
import { type CountWork, StateWork } from './state-work.ts'

/** A transaction of nothing but events, which is the form in which several endpoints answer. */
export interface Pdus {
  readonly origin: string
  readonly origin_server_ts: number
  readonly pdus: readonly JsonObject[]
}

/** A part of the graph that a server lacks: what lies between events that it has and events that it has heard of. */
export interface GapQuestion {
  readonly earliest: readonly string[]
  readonly latest: readonly string[]
  readonly limit: number
  readonly minDepth: number
}

const MAX_BACKFILL = 100
const MAX_MISSING = 50
/** Of an event: its ID costs a fifth, as was measured, and is asked for at each gap, which is often by those who mean no harm. */
const COST_OF_ID = 0.1

/**
 * Gives other servers what they lack of rooms that they are in, or were in when it was sent: events, the state before them, what
 * authorises them (server-server API, "Backfilling and retrieving missing events", "Retrieving events"). Everything here throws
 * `M_NOT_FOUND` for rooms and events that are not known, `M_FORBIDDEN` for servers that were not in the room then. What takes a
 * `count` throws what that throws.
 */
export class FederatedHistory {
  readonly #context: RoomsContext
  readonly #gate: RoomGate
  readonly #members: ServerMembershipReader
  readonly #clock: Clock
  readonly #work = new StateWork()

  constructor(parts: { writer: RoomWriter; gate: RoomGate }) {
    this.#context = parts.writer.context
    this.#gate = parts.gate
    this.#members = new ServerMembershipReader(parts.writer.context.db)
    this.#clock = parts.writer.context.clock
  }

  /** One event. */
  async event(origin: string, eventId: string): Promise<Pdus> {
    const stored = await this.#context.read.events.byId(eventId)
    const [room] = stored === undefined ? [] : await this.#context.read.rooms.byNids([stored.roomNid])
    if (stored === undefined || room === undefined) throw notFound(eventId)
    const opened = await this.#gate.formerMember(origin, room.roomId)
    this.#gate.reached(opened, stored)
    const shown = await this.#shown(origin, opened.head, [stored])
    if (shown.length === 0) throw notFound(eventId)
    return this.#answer(shown)
  }

  /** The room's state before an event, and all that authorises it. As JSON text. */
  async state(origin: string, roomId: string, eventId: string, count: CountWork): Promise<Body> {
    const { state, chain } = await this.#stateAt(origin, roomId, eventId, { count, cost: 1 })
    const { read } = this.#context
    const nids = [...state.values()].map(entry => entry.nid)
    return objectBody(
      [],
      [
        ['pdus', pduTexts(read, nids)],
        ['auth_chain', pduTexts(read, chain)],
      ],
    )
  }

  /** The same as event IDs. */
  async stateIds(
    origin: string,
    roomId: string,
    eventId: string,
    count: CountWork,
  ): Promise<{ pdu_ids: string[]; auth_chain_ids: string[] }> {
    const { state, chain } = await this.#stateAt(origin, roomId, eventId, { count, cost: COST_OF_ID })
    return {
      pdu_ids: [...state.values()].map(entry => entry.eventId),
      auth_chain_ids: await this.#context.read.events.idsOf(chain),
    }
  }

  /** Everything that authorises an event, and what authorises that. As JSON text. */
  async eventAuth(origin: string, roomId: string, eventId: string, count: CountWork): Promise<Body> {
    const stored = await this.#inRoom(await this.#gate.formerMember(origin, roomId), eventId)
    const { read } = this.#context
    const find = () => read.authGraph.chain([stored.nid])
    const chain = await this.#work.run(origin, count, find, ({ length }) => length)
    return listBody('{"auth_chain":[', pduTexts(read, chain), ']}')
  }

  /** The given events and what precedes them, newest first. */
  async backfill(origin: string, roomId: string, from: readonly string[], limit: number): Promise<Pdus> {
    const opened = await this.#gate.formerMember(origin, roomId)
    const starts = (await this.#reached(opened, from.slice(0, MAX_BACKFILL))).map(
      ({ event }) => event.eventId,
    )
    const walked = await this.#walk(opened, starts, {
      limit: Math.max(0, Math.min(limit, MAX_BACKFILL)),
      skip: new Set(),
      minDepth: 0,
      first: 'deepest',
    })
    return this.#answer(await this.#shown(origin, opened.head, walked))
  }

  /**
   * What lies between two sets of events, both excluded, oldest first: "a breadth-first walk of the `prev_events`", so that what
   * the latest refer to themselves is always among it.
   */
  async missing(origin: string, roomId: string, question: GapQuestion): Promise<{ events: JsonObject[] }> {
    const opened = await this.#gate.formerMember(origin, roomId)
    const latest = await this.#reached(opened, question.latest.slice(0, MAX_MISSING))
    const starts = latest.flatMap(stored => stored.event.prevEvents)
    const walked = await this.#walk(opened, starts, {
      limit: Math.max(0, Math.min(question.limit, MAX_MISSING)),
      skip: new Set([...question.earliest, ...question.latest]),
      minDepth: question.minDepth,
      first: 'nearest',
    })
    return { events: await this.#shown(origin, opened.head, walked.toSorted(byDepth).toReversed()) }
  }

  /** Goes back along `prev_events`: first those deepest in the room, or those fewest steps away. */
  async #walk(
    { head, reaches }: OpenedRoom,
    from: readonly string[],
    bounds: {
      limit: number
      skip: ReadonlySet<string>
      minDepth: number
      first: 'deepest' | 'nearest'
    },
  ): Promise<StoredEvent[]> {
    const { events } = this.#context.read
    const walked: StoredEvent[] = []
    const seen = new Set(bounds.skip)
    let frontier: StoredEvent[] = []
    let next: readonly string[] = from
    while (walked.length < bounds.limit) {
      const fresh = [...new Set(next)].filter(eventId => !seen.has(eventId))
      for (const eventId of fresh) seen.add(eventId)
      const found = [...(await events.byIds(fresh)).values()].filter(
        stored =>
          stored.roomNid === head.room.nid &&
          stored.position !== undefined &&
          stored.event.depth >= bounds.minDepth &&
          reaches(stored),
      )
      frontier =
        bounds.first === 'nearest'
          ? [...frontier, ...found.toSorted(byDepth)]
          : [...frontier, ...found].toSorted(byDepth)
      const deepest = frontier.shift()
      if (deepest === undefined) break
      walked.push(deepest)
      next = deepest.event.prevEvents
    }
    return walked
  }

  async #stateAt(
    origin: string,
    roomId: string,
    eventId: string,
    { count, cost }: { readonly count: CountWork; readonly cost: number },
  ): Promise<{ state: RoomState; chain: number[] }> {
    const opened = await this.#gate.formerMember(origin, roomId)
    const { head } = opened
    const stored = await this.#inRoom(opened, eventId)
    // Of what is known only as somebody's auth event no state is known.
    if (stored.position === undefined) throw notFound(eventId)
    const { read } = this.#context
    await this.#gate.complete(head)
    this.#gate.whole(head, stored)
    const find = async () => {
      const state = await stateBefore(read, stored)
      return { state, chain: await read.authGraph.chain([...state.values()].map(entry => entry.nid)) }
    }
    return this.#work.run(origin, count, find, ({ state, chain }) => (state.size + chain.length) * cost)
  }

  async #inRoom(opened: OpenedRoom, eventId: string): Promise<StoredEvent> {
    const stored = await this.#context.read.events.byId(eventId)
    if (stored === undefined || stored.roomNid !== opened.head.room.nid) throw notFound(eventId)
    this.#gate.reached(opened, stored)
    return stored
  }

  /** Of these events, those that are known in the room. Throws for a server that may ask about none of them. */
  async #reached(opened: OpenedRoom, eventIds: readonly string[]): Promise<StoredEvent[]> {
    const stored = [...(await this.#context.read.events.byIds(eventIds)).values()]
    const known = stored.filter(({ roomNid }) => roomNid === opened.head.room.nid)
    const reached = known.filter(opened.reaches)
    if (reached.length === 0) this.#gate.reached(opened, { position: undefined })
    return reached
  }

  /** The events as the asking server may have them: whole, or redacted; but for those that are not whole here. */
  async #shown(origin: string, head: RoomHead, found: readonly StoredEvent[]): Promise<JsonObject[]> {
    const events = found.filter(stored => !isHollow(stored))
    if (head.partial !== undefined && (await mayHideHistory(this.#context.read, head.room.nid))) {
      await this.#gate.complete(head)
    }
    const { read, erasures } = this.#context
    const erased = await erasures.current()
    const sight = await serverSightOf(read, this.#members, head.room.nid, origin, erased)
    const seen = await sight(events)
    const isSticky = await stickyAmong(read, events, this.#clock.now())
    return events.map(stored => {
      const { pdu } = stored.event
      const isShown = seen.has(stored) || isSticky(stored) || holdsIn(head, stored)
      const isWhole = stored.redactedBy === undefined && isShown
      return asItTravels(isWhole ? pdu : redactPdu(pdu, head.version), head.version)
    })
  }

  #answer(pdus: readonly JsonObject[]): Pdus {
    return { origin: this.#context.serverName, origin_server_ts: this.#clock.now(), pdus }
  }
}

/** The deepest first. */
const byDepth = (a: StoredEvent, b: StoredEvent): number => b.event.depth - a.event.depth

const notFound = (eventId: string): MatrixError =>
  new MatrixError('M_NOT_FOUND', `The event ${eventId} is not known here`)
