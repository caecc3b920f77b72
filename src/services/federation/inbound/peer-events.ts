import type { RoomEvent } from '../../../core/event/event.ts'
import type { FormatOptions } from '../../../core/event/fields.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { Log } from '../../../core/log.ts'
import { type FederationClient, FederationError } from '../../../network/federation-client.ts'
import { Slots } from '../slots.ts'
import type { EventVerifier } from '../verify-event.ts'
import type { Budget } from './budget.ts'

const MAX_FETCHES_AT_ONCE = 8
/** One event does not take longer. */
const SINGLE_MS = 20_000

/** Events that peers give when they are asked, checked as far as that can be done without the room. */
export class PeerEvents {
  readonly #client: Pick<FederationClient, 'getEvent'>
  readonly #verifier: EventVerifier
  readonly #log: Log

  constructor(parts: { client: Pick<FederationClient, 'getEvent'>; verifier: EventVerifier; log: Log }) {
    this.#client = parts.client
    this.#verifier = parts.verifier
    this.#log = parts.log
  }

  /** What a peer gives of this event's room, checked. */
  async checked(
    pdus: readonly JsonObject[],
    { roomId, version }: RoomEvent,
    options: FormatOptions = {},
  ): Promise<RoomEvent[]> {
    const verified = await this.#verifier.verifyAll(pdus, version, options)
    return verified.flatMap(one => ('event' in one && one.event.roomId === roomId ? one.event : []))
  }

  /** The same; nothing if it does not give any, and whether it has spoken at all. */
  async ask(
    request: () => Promise<JsonObject[]>,
    event: RoomEvent,
  ): Promise<{ events: RoomEvent[]; isHeard: boolean }> {
    const { roomId } = event
    try {
      return { events: await this.checked(await request(), event), isHeard: true }
    } catch (error) {
      this.#log.debug({ room: roomId, err: error }, 'a peer did not give missing events')
      return { events: [], isHeard: isAnswer(error) }
    }
  }

  /** Fetches events one by one, those that can be had; `isAll` if the peer has given every one, good or bad. */
  async each(
    server: string,
    eventIds: readonly string[],
    event: RoomEvent,
    budget: Budget,
    format: FormatOptions = {},
  ): Promise<{ events: RoomEvent[]; isAll: boolean }> {
    const slots = new Slots(MAX_FETCHES_AT_ONCE)
    let isAll = true
    const fetch = (eventId: string) =>
      slots.run(async () => {
        try {
          if (budget.isOver) throw new Error('it takes too long')
          const pdu = await this.#client.getEvent(server, eventId, budget.call(SINGLE_MS))
          const given = await this.checked([pdu], event, format)
          return given.filter(one => one.eventId === eventId)
        } catch (error) {
          isAll = false
          this.#log.debug(
            { room: event.roomId, event: eventId, server, err: error },
            'an event was not given',
          )
          return []
        }
      })
    return { events: (await Promise.all(eventIds.map(fetch))).flat(), isAll }
  }
}

/** Whether a peer has spoken, rather than that it could not be heard. */
export const isAnswer = (error: unknown): boolean =>
  error instanceof FederationError &&
  error.kind === 'response' &&
  (error.status ?? 500) < 500 &&
  error.status !== 429
