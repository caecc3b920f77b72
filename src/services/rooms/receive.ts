import { authEventsFor } from '../../core/auth/auth-events.ts'
import { authorise } from '../../core/auth/authorise.ts'
import { checkAuthEvents } from '../../core/auth/check-auth-events.ts'
import { canonicalJson } from '../../core/canonical-json.ts'
import { type RoomEvent, type StateLookup, stateMapKey, type Verdict } from '../../core/event/event.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { append, type Placement } from './append.ts'
import { stateLookup } from './local-event.ts'
import { type PendingEvent, resolveStates } from './resolve.ts'
import type { RoomHead } from './room-head.ts'
import type { Draft, RoomWriter, Settled } from './room-writer.ts'
import { applyDeltas, type RoomState, stateAfter, stateDifference } from './state-at.ts'

/** What became of a received event. */
export type Received =
  | { readonly outcome: 'accepted'; readonly position: number }
  /** Kept but never shown or referred to; `reason` says which rule of the current state forbids it. */
  | { readonly outcome: 'soft-failed'; readonly reason: string }
  | { readonly outcome: 'rejected'; readonly reason: string }
  | { readonly outcome: 'duplicate' }
  /** Nothing was stored: these events are needed first. */
  | { readonly outcome: 'missing'; readonly prevEvents: string[]; readonly authEvents: string[] }

/** What the caller has found out about an event whose `prev_events` are not all here. */
export interface ReceiveOptions {
  /**
   * The IDs of the state events before it, fetched from the peer where history has a gap. All of them must be stored
   * (at least as outliers). Without it, missing `prev_events` are reported.
   */
  readonly stateBefore?: readonly string[]
  /** Further statements of the commit that stores the event, if it is accepted. */
  readonly statements?: (nid: number) => readonly WriteStatement[]
}

/**
 * Receives one event that is not of this server's making into the room's timeline. The order of checks is that of the
 * server-server API, "Checks performed on receipt of a PDU":
 *
 * 1. It is a valid event: `parsePdu`, done by the caller.
 * 2. Its signatures are valid, 3. its hash fits (else it was redacted): done by the caller, who may wait for keys.
 * 4. It passes the authorisation rules based on its auth events, else it is rejected.
 * 5. It passes them based on the state before it, else it is rejected.
 * 6. It passes them based on the current state of the room, else it is soft-failed.
 * 7. The policy server's say: the caller's, since it takes a request.
 *
 * Nothing here fetches: what is missing is the answer, and the caller asks again with it.
 */
export const receiveEvent = (
  writer: RoomWriter,
  event: RoomEvent,
  options: ReceiveOptions = {},
): Promise<Received> => writer.update(event.roomId, head => new Receipt(writer, head, event, options).draft())

class Receipt {
  readonly #writer: RoomWriter
  readonly #head: RoomHead
  readonly #event: RoomEvent
  readonly #options: ReceiveOptions

  constructor(writer: RoomWriter, head: RoomHead, event: RoomEvent, options: ReceiveOptions) {
    this.#writer = writer
    this.#head = head
    this.#event = event
    this.#options = options
  }

  async draft(): Promise<Draft<Received> | Settled<Received>> {
    const { read } = this.#writer.context
    const event = this.#event
    // Positions of what is in flight are needed below.
    await this.#head.lastCommit
    const found = await read.events.byIds([event.eventId, ...event.prevEvents, ...event.authEvents])
    const self = found.get(event.eventId)
    const roomNid = this.#head.room.nid
    if (self !== undefined && (!isOutlier(self) || self.roomNid !== roomNid)) {
      return { settled: { outcome: 'duplicate' } }
    }
    // What belongs to another room is not there: its state must have no say in this one.
    const known = new Map([...found].filter(([, stored]) => stored.roomNid === roomNid))
    const prev = event.prevEvents.map(eventId => known.get(eventId))
    const missing = this.#missing(known)
    if (missing !== undefined) return { settled: missing }
    const byAuthEvents = await this.#judgeByAuthEvents(known)
    const linear = this.#isLinear()
    const before = linear ? undefined : await this.#stateBefore(prev.filter(stored => stored !== undefined))
    const rejected =
      byAuthEvents ?? (before === undefined ? await this.#judgeByHead() : await this.#judgeBy(before))
    const softFailed = rejected === undefined && before !== undefined ? await this.#judgeByHead() : undefined
    const placement = await this.#place({
      before,
      rejected: rejected?.message,
      softFailed: softFailed !== undefined,
      outlierNid: self?.nid,
      missingPrevEvents: event.prevEvents.filter(eventId => notHere(known.get(eventId))),
    })
    return this.#drafted(placement, rejected, softFailed)
  }

  async #drafted(placement: Placement, rejected: Verdict, softFailed: Verdict): Promise<Draft<Received>> {
    const appended = await append(this.#writer.context, this.#head, placement, 0)
    const accepted = rejected === undefined && softFailed === undefined
    return {
      statements: [
        ...appended.statements,
        ...((accepted ? this.#options.statements?.(appended.nid) : undefined) ?? []),
      ],
      nids: [appended.nid, ...appended.touched],
      result: ({ positions: { events: position = 0 } }) => {
        appended.settle(position)
        if (rejected !== undefined) return { outcome: 'rejected', reason: rejected.message }
        if (softFailed !== undefined) return { outcome: 'soft-failed', reason: softFailed.message }
        return { outcome: 'accepted', position }
      },
    }
  }

  #missing(known: ReadonlyMap<string, StoredEvent>): Received | undefined {
    const authEvents = this.#event.authEvents.filter(eventId => !known.has(eventId))
    const prevEvents =
      this.#options.stateBefore === undefined
        ? this.#event.prevEvents.filter(eventId => notHere(known.get(eventId)))
        : []
    if (authEvents.length === 0 && prevEvents.length === 0) return undefined
    return { outcome: 'missing', prevEvents, authEvents }
  }

  /** Whether the event extends exactly the head, so that the state before it is the current state. */
  #isLinear(): boolean {
    const { extremities } = this.#head
    const prev = new Set(this.#event.prevEvents)
    return extremities.length === prev.size && extremities.every(extremity => prev.has(extremity.eventId))
  }

  async #judgeByAuthEvents(known: ReadonlyMap<string, StoredEvent>): Promise<Verdict> {
    const authEvents = this.#event.authEvents.flatMap(eventId => known.get(eventId) ?? [])
    const events = authEvents.map(stored => stored.event)
    const isRejected = (eventId: string): boolean => known.get(eventId)?.rejected !== undefined
    return (
      checkAuthEvents(this.#event, events, isRejected) ??
      authorise(this.#event, { state: lookupIn(events), createEvent: await this.#createEvent() })
    )
  }

  async #judgeByHead(): Promise<Verdict> {
    const points = authEventsFor(this.#event, this.#head.version)
    const state = await stateLookup(this.#writer.context, this.#head, points)
    return authorise(this.#event, { state, createEvent: await this.#createEvent() })
  }

  async #judgeBy(before: RoomState): Promise<Verdict> {
    const points = authEventsFor(this.#event, this.#head.version)
    const nids = points.flatMap(point => before.get(stateMapKey(point.type, point.stateKey))?.nid ?? [])
    const events = await this.#writer.context.read.events.byNids(nids)
    const state = lookupIn(events.map(({ event }) => event))
    return authorise(this.#event, { state, createEvent: await this.#createEvent() })
  }

  async #createEvent(): Promise<RoomEvent | undefined> {
    const entry = this.#head.entry('m.room.create', '')
    const [stored] = entry === undefined ? [] : await this.#writer.context.read.events.byNids([entry.nid])
    return stored?.event
  }

  /** "The room state before an event is the resolution of the states after its prev_events." */
  async #stateBefore(prev: readonly StoredEvent[]): Promise<RoomState> {
    const { read } = this.#writer.context
    const states = await Promise.all(
      prev.filter(stored => !isOutlier(stored)).map(stored => stateAfter(read, stored)),
    )
    const given = this.#options.stateBefore
    if (given !== undefined) states.push(await this.#givenState(given))
    return resolveStates(read, this.#head.version, states)
  }

  async #givenState(eventIds: readonly string[]): Promise<RoomState> {
    const events = await this.#writer.context.read.events.byIds(eventIds)
    const state: RoomState = new Map()
    for (const { event, nid, rejected, roomNid } of events.values()) {
      if (roomNid !== this.#head.room.nid) continue
      if (event.stateKey === undefined || rejected !== undefined) continue
      const { type, stateKey, eventId } = event
      state.set(stateMapKey(type, stateKey), { type, stateKey, nid, eventId })
    }
    return state
  }

  async #place(judged: {
    before: RoomState | undefined
    rejected: string | undefined
    softFailed: boolean
    outlierNid: number | undefined
    missingPrevEvents: string[]
  }): Promise<Placement> {
    const event = this.#event
    const { before, ...facts } = judged
    const placement: Placement = { event, json: canonicalJson(event.pdu), ...facts }
    if (before === undefined) return placement
    const delta = stateDifference(this.#head.state, before)
    if (facts.rejected !== undefined || facts.softFailed) return { ...placement, delta }
    const { read, nids } = this.#writer.context
    if (await read.rooms.isMissing(this.#head.room.nid, event.eventId)) {
      // Something here refers to it already: it fills a gap and is no end of the graph.
      return { ...placement, delta, stateChanges: [], extremities: () => this.#head.extremities }
    }
    const nid = facts.outlierNid ?? nids.next()
    const prev = new Set(event.prevEvents)
    const others = this.#head.extremities.filter(extremity => !prev.has(extremity.eventId))
    const after = await this.#stateWith(before, nid, others)
    return {
      ...placement,
      nid,
      delta,
      stateChanges: stateDifference(this.#head.state, after),
      extremities: () => [{ nid, eventId: event.eventId, depth: event.depth }, ...others],
    }
  }

  /** This event as resolution has to know it before it is stored. */
  async #pending(nid: number): Promise<PendingEvent> {
    const { read } = this.#writer.context
    const authNids = [...(await read.events.nidsOf(this.#event.authEvents)).values()]
    return { nid, event: this.#event, authNids }
  }

  /** The current state once this event is a forward extremity beside the others. */
  async #stateWith(before: RoomState, nid: number, others: RoomHead['extremities']): Promise<RoomState> {
    const { read } = this.#writer.context
    const { type, stateKey, eventId } = this.#event
    const own: RoomState = new Map(before)
    if (stateKey !== undefined) applyDeltas(own, [{ type, stateKey, nid, eventId }])
    if (others.length === 0) return own
    const otherStates =
      this.#head.extremities.length === 1
        ? [new Map(this.#head.state)]
        : await Promise.all(
            (await read.events.byNids(others.map(other => other.nid))).map(stored =>
              stateAfter(read, stored),
            ),
          )
    return resolveStates(read, this.#head.version, [...otherStates, own], await this.#pending(nid))
  }
}

/** Whether a stored event is not part of the timeline. */
const isOutlier = (stored: StoredEvent): boolean => stored.position === undefined

/** Whether an event is not part of the timeline: unknown, or known only as somebody's auth event. */
const notHere = (stored: StoredEvent | undefined): boolean => stored === undefined || isOutlier(stored)

/** Some state events as the rules look them up. */
const lookupIn = (events: readonly RoomEvent[]): StateLookup => {
  const byKey = new Map(events.map(event => [stateMapKey(event.type, event.stateKey ?? ''), event] as const))
  return (type, stateKey) => byKey.get(stateMapKey(type, stateKey))
}
