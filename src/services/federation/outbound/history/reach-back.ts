import type { RoomEvent } from '../../../../core/event/event.ts'
import { FederationError } from '../../../../network/federation-client.ts'
import type { RoomHead } from '../../../rooms/room-head.ts'
import { type Attempt, answersInTurn } from '../asked-in-turn.ts'
import type { OutboundContext } from '../context.ts'
import type { HistoryFetcher } from './fetch-history.ts'

/** What is looked for in a room's history. */
export interface Instant {
  /** Milliseconds since 1970. */
  readonly ts: number
  /** `f`: what comes at or after it, `b`: at or before it. */
  readonly dir: 'f' | 'b'
  /** When the closest event was sent that is here; only what is closer is worth fetching. */
  readonly known?: number | undefined
  /** Where the gap begins in which it is (`TimelineGap`); by default it comes before all that is here. */
  readonly base?: number | undefined
}

/** See `ReachingBack.fetch`. */
export type ReachBack = (roomId: string, instant: Instant) => Promise<boolean>

const MAX_SERVERS = 3
/** One server does not take longer to name an event, or to give it. Milliseconds. */
const SERVER_MS = 10_000
/** For one request of a client history is fetched for so long, in so many pieces; the next one goes on from there. */
const TOTAL_MS = 40_000
const MAX_PIECES = 20
const PIECE = 100

/**
 * Fetches history back to an instant that somebody asks for (server-server API, `GET …/timestamp_to_event`). All of it up to
 * there: what was left out on the way nobody could page into.
 */
export class ReachingBack {
  readonly #context: OutboundContext
  readonly #history: HistoryFetcher

  constructor(context: OutboundContext, history: HistoryFetcher) {
    this.#context = context
    this.#history = history
  }

  /**
   * Asks servers in the room for the event closest to an instant, and fetches the history back to it. Answers whether any
   * came. Never throws for what other servers do.
   */
  async fetch(roomId: string, instant: Instant): Promise<boolean> {
    const head = await this.#context.core.writer.head(roomId)
    if (head === undefined) return false
    const servers = (await this.#history.servers(head)).slice(0, MAX_SERVERS)
    const turns = { clock: this.#context.clock, totalMs: TOTAL_MS, eachMs: SERVER_MS }
    const closest = (attempt: Attempt) => this.#closest(attempt, head, instant)
    for await (const named of answersInTurn(servers, turns, closest)) {
      if ('failure' in named) throw named.failure
      if (named.answer !== undefined && (await this.#fetchTo(named.answer, instant))) return true
    }
    return false
  }

  /** What a server names, if it is an event of the room and closer than what is here: nobody is to make us fetch for nothing. */
  async #closest(
    { server, timeoutMs, signal }: Attempt,
    head: RoomHead,
    instant: Instant,
  ): Promise<RoomEvent | undefined> {
    const { federation, verifyEvents, log } = this.#context
    const { roomId } = head.room
    const { ts, dir } = instant
    try {
      const options = { timeoutMs, signal }
      const { eventId } = await federation.timestampToEvent(server, { roomId, ts, dir }, options)
      const given = await federation.getEvent(server, eventId, options)
      const [verified] = await verifyEvents([given], head.version, { mayBeOld: true })
      if (verified === undefined || 'refusal' in verified) return undefined
      const { event } = verified
      const isIt = event.eventId === eventId && event.roomId === roomId
      return isIt && isCloser(event.originServerTs, instant) ? event : undefined
    } catch (error) {
      if (!(error instanceof FederationError)) throw error
      log.debug({ room: roomId, server, err: error }, 'no event by its time from this server')
      return undefined
    }
  }

  async #fetchTo({ roomId, eventId }: RoomEvent, { base }: Instant): Promise<boolean> {
    const { clock, core } = this.#context
    const deadline = clock.now() + TOTAL_MS
    let hasCome = false
    for (let piece = 0; piece < MAX_PIECES && clock.now() < deadline; piece++) {
      const stored = await core.context.read.events.byId(eventId)
      if (stored?.position !== undefined || !(await this.#history.fetch(roomId, PIECE, base))) break
      hasCome = true
    }
    return hasCome
  }
}

const isCloser = (sent: number, { ts, dir, known }: Instant): boolean => {
  if (dir === 'f' ? sent < ts : sent > ts) return false
  return known === undefined || Math.abs(sent - ts) < Math.abs(known - ts)
}
