import type { RoomEvent } from '../../../core/event/event.ts'
import type { FormatOptions } from '../../../core/event/fields.ts'
import type { Log } from '../../../core/log.ts'
import type { FederationClient } from '../../../network/federation-client.ts'
import { inOrderOf } from '../../rooms/judge-outliers.ts'
import { storeOutliers } from '../../rooms/outliers.ts'
import { mostOfState } from '../../rooms/plausible-state.ts'
import { type Received, type ReceiveOptions, receiveAll } from '../../rooms/receive.ts'
import { receiveRecommended } from '../../rooms/receive-recommended.ts'
import type { RoomWriter } from '../../rooms/room-writer.ts'
import type { EventVerifier } from '../verify-event.ts'
import { Budget } from './budget.ts'
import { type Gap, GapEvents } from './gap-events.ts'
import { isAnswer, PeerEvents } from './peer-events.ts'
import { WhomToAsk } from './whom-to-ask.ts'

/** What became of an event: `dropped` where what it needs could not be had, perhaps `forNow`. */
export type Outcome = Received | Dropped

interface Dropped {
  readonly outcome: 'dropped'
  readonly reason: string
  /** Somebody could not be reached, or was too slow: it may go better another time. */
  readonly forNow: boolean
}

/** Whether it takes other servers to come to a verdict: nothing is stored yet. */
export const needsOthers = (
  outcome: Outcome,
): outcome is Extract<Outcome, { outcome: 'missing' | 'unrecommended' }> =>
  outcome.outcome === 'missing' || outcome.outcome === 'unrecommended'

/**
 * What of a gap is fetched before its state is taken instead: some days of a busy room, and no more than fits in memory. The rest
 * is fetched when somebody reads it (`services/rooms/timeline-gaps.ts`).
 */
const MAX_GAP = { events: 5_000, characters: 32_000_000 }
/** So many of them are received at once. */
const TOGETHER = 250
/** So often all of them are tried together; then one by one, lest a hostile graph be tried for ever. */
const MAX_GOES = 3
/** Where more of a state is missing than this, the whole of it is fetched in one request. */
const MAX_SINGLE_FETCHES = 60
const MAX_AUTH_ROUNDS = 5
const MAX_AUTH_CHAIN = 20_000
const TIME_MS = 90_000
/** Who has just not answered has so long to name a state, or what authorises an event, before others are asked. */
const UNHEARD_MS = 15_000
/** How events of a state are judged, and those that authorise others. */
const OF_STATE: FormatOptions = { mayBeOld: true }
const NO_GAP: Gap = { events: [], isHeard: true }
const NOBODY_ASKED = { outcome: 'dropped', reason: 'nobody could be asked for what it needs' } as const

interface Fetch {
  readonly budget: Budget
  /** How long the server has to name what is to be fetched (milliseconds), if not as long as there is time. */
  readonly namedIn: number | undefined
}

type Fetching = Pick<
  FederationClient,
  'getMissingEvents' | 'getStateIds' | 'getState' | 'getEvent' | 'getEventAuth'
>

/**
 * Receives events and fetches what they need: what lies between them and what is here, the state where that cannot be
 * bridged, and events that authorise them. Everything under budgets, so that nobody can keep a room busy for ever.
 */
export class MissingEvents {
  readonly #writer: RoomWriter
  readonly #client: Fetching
  readonly #peers: PeerEvents
  readonly #whom: WhomToAsk
  readonly #gap: GapEvents
  readonly #maxGap: typeof MAX_GAP
  readonly #log: Log

  constructor(parts: {
    writer: RoomWriter
    client: Fetching
    verifier: EventVerifier
    log: Log
    maxGap?: typeof MAX_GAP | undefined
  }) {
    this.#writer = parts.writer
    this.#client = parts.client
    this.#peers = new PeerEvents(parts)
    this.#whom = new WhomToAsk(parts.writer)
    this.#gap = new GapEvents({ ...parts, peers: this.#peers })
    this.#maxGap = parts.maxGap ?? MAX_GAP
    this.#log = parts.log
  }

  /**
   * Receives an event whose format, signatures and hash are checked.
   *
   * @param origin the server that sent it, which is asked for what is missing
   * @param closing ends what is asked: the event is `dropped` for now then
   */
  async receive(origin: string, event: RoomEvent, closing: AbortSignal): Promise<Outcome> {
    const received = await receiveRecommended(this.#writer, event)
    if (received.outcome !== 'missing') return received
    const limits = { timeMs: TIME_MS, ...this.#maxGap }
    const budget = new Budget(this.#writer.context.clock, limits, closing)
    const gap = received.prevEvents.length > 0
    let dropped: Dropped = { ...NOBODY_ASKED, forNow: false }
    for (const server of this.#whom.nearest(origin, event)) {
      const between = gap ? await this.#gap.between(server, event, budget) : NO_GAP
      const outcome = await this.#receiveFrom(server, event, budget, between)
      if (outcome.outcome !== 'dropped') return outcome
      dropped = { ...outcome, forNow: outcome.forNow || dropped.forNow }
    }
    for (const server of await this.#whom.others(origin, event)) {
      const between = gap ? await this.#gap.fromAfar(server, event, budget) : NO_GAP
      const outcome = await this.#receiveFrom(server, event, budget, between)
      if (outcome.outcome !== 'dropped') return outcome
    }
    // What is not known now must not be held against the event: other servers may have judged it already.
    if (dropped.forNow || budget.isSpent) return { ...dropped, forNow: true }
    // Kept as rejected for want of its auth events, and judged again should they come (services/rooms/ENGINE.md).
    const last = await receiveRecommended(this.#writer, event, { authEventsUnavailable: true })
    return last.outcome === 'missing' ? dropped : last
  }

  /** Receives an event after those `between` it and what is here. */
  async #receiveFrom(
    server: string,
    event: RoomEvent,
    budget: Budget,
    { events, isHeard }: Gap,
  ): Promise<Outcome> {
    let waiting = inOrderOf([...events], one => one.prevEvents)
    for (let go = 0; waiting.length > 0; go++) {
      if (go < MAX_GOES) waiting = await this.#together(waiting)
      // What it lacks is fetched; it may be all that the others lack.
      const [earlier, ...rest] = waiting
      if (earlier === undefined) break
      const outcome = await this.#receiveOne(server, earlier, { budget, isHeard })
      if (outcome.outcome === 'dropped') {
        this.#log.debug({ event: earlier.eventId, reason: outcome.reason }, 'an event of a gap was dropped')
      }
      waiting = rest
    }
    return this.#receiveOne(server, event, { budget, isHeard })
  }

  /** Receives events none of which waits for the commit of the one before; answers those that lack something. */
  async #together(events: readonly RoomEvent[]): Promise<RoomEvent[]> {
    const lacking: RoomEvent[] = []
    for (let start = 0; start < events.length; start += TOGETHER) {
      const some = events.slice(start, start + TOGETHER)
      const outcomes = await Promise.all(receiveAll(this.#writer, some))
      for (const [index, one] of some.entries()) {
        const outcome = outcomes[index]?.outcome
        if (outcome === 'missing' || outcome === 'unrecommended') lacking.push(one)
      }
    }
    return lacking
  }

  /**
   * Receives one event, with the state before it as the peer tells it if there is still a gap. Where members are lacking, whom
   * nobody tells for now, the gap is taken to be none, unless the peer that was asked what lies in it was not heard.
   */
  async #receiveOne(
    server: string,
    event: RoomEvent,
    { budget, isHeard }: { readonly budget: Budget; readonly isHeard: boolean },
  ): Promise<Outcome> {
    let options: ReceiveOptions = {}
    for (let step = 0; step < 3; step++) {
      const received = await receiveRecommended(this.#writer, event, options)
      if (received.outcome !== 'missing') return received
      if (budget.isOver) {
        return { outcome: 'dropped', reason: 'what it needs took too long to fetch', forNow: true }
      }
      try {
        const namedIn = isHeard ? undefined : UNHEARD_MS
        const { authEvents } = received
        if (authEvents.length > 0) await this.#fetchAuth(server, event, authEvents, { budget, namedIn })
        if (received.prevEvents.length > 0) {
          const isPartial = (await this.#writer.head(event.roomId))?.partial !== undefined
          if (isPartial && !isHeard)
            return { outcome: 'dropped', reason: `${server} could not be heard`, forNow: true }
          options = isPartial
            ? { onCurrentState: true }
            : { stateBefore: await this.#fetchState(server, event, { budget, namedIn }) }
        }
      } catch (error) {
        this.#log.debug({ server, event: event.eventId, err: error }, 'what an event needs was not given')
        const forNow = !isAnswer(error)
        return { outcome: 'dropped', reason: `${server} does not give what it needs`, forNow }
      }
    }
    return { outcome: 'dropped', reason: 'its auth events are not to be had', forNow: false }
  }

  /** Stores the missing auth events, and what authorises them: few of them one by one, else the whole chain. */
  async #fetchAuth(
    server: string,
    event: RoomEvent,
    missing: readonly string[],
    { budget, namedIn }: Fetch,
  ): Promise<void> {
    const { roomId, eventId } = event
    const found = new Map<string, RoomEvent>()
    let wanted: readonly string[] = missing
    for (let round = 0; round < MAX_AUTH_ROUNDS && wanted.length > 0; round++) {
      const { events } = await this.#peers.each(server, wanted, event, budget, OF_STATE)
      for (const one of events) found.set(one.eventId, one)
      const referred = [...new Set([...found.values()].flatMap(one => one.authEvents))]
      const known = await this.#writer.context.read.events.nidsOf(referred)
      wanted = referred.filter(id => !known.has(id) && !found.has(id)).slice(0, MAX_SINGLE_FETCHES)
    }
    if (wanted.length > 0 || missing.some(id => !found.has(id))) {
      const chain = await this.#client.getEventAuth(server, { roomId, eventId }, budget.call(namedIn))
      for (const one of await this.#peers.checked(chain.slice(0, MAX_AUTH_CHAIN), event, OF_STATE))
        found.set(one.eventId, one)
    }
    await storeOutliers(this.#writer, roomId, [...found.values()])
  }

  /**
   * Stores the state before an event as the peer tells it; answers the event IDs of what could be stored. A state that
   * has holes because of a bad line would part this server from all others, so it throws then.
   */
  async #fetchState(server: string, event: RoomEvent, { budget, namedIn }: Fetch): Promise<string[]> {
    const { read, serverName } = this.#writer.context
    const { roomId, eventId } = event
    const ask = { roomId, eventId, atMost: mostOfState(await this.#writer.head(roomId), serverName) }
    const ids = await this.#client.getStateIds(server, ask, budget.call(namedIn))
    const wanted = [...new Set([...ids.stateIds, ...ids.authChainIds])]
    const known = await read.events.nidsOf(wanted)
    const missing = wanted.filter(id => !known.has(id))
    const single = missing.length <= MAX_SINGLE_FETCHES
    let { events, isAll } = single
      ? await this.#peers.each(server, missing, event, budget, OF_STATE)
      : { events: [], isAll: false }
    if (!isAll) {
      const { state, authChain } = await this.#client.getState(server, ask, budget.call())
      events = [...events, ...(await this.#peers.checked([...state, ...authChain], event, OF_STATE))]
    }
    if (events.length > 0) await storeOutliers(this.#writer, roomId, events)
    const stored = await read.events.nidsOf(ids.stateIds)
    if (stored.size === 0) throw new Error('no event of the state could be had')
    return [...stored.keys()]
  }
}
