import { canonicalJsonAsRead } from '../../../core/canonical-json.ts'
import type { RoomEvent } from '../../../core/event/event.ts'
import { trustedEvent } from '../../../core/event/format.ts'
import type { JsonObject } from '../../../core/json.ts'
import { parseJson } from '../../../core/parse-json.ts'
import type { RoomVersion } from '../../../core/room-versions.ts'
import type { StagedPdu } from '../../../storage/federation/inbox.ts'

/** An event that a server has sent, on its way into its room. */
export class Arrival {
  /** The server that sent it. */
  readonly origin: string
  readonly event: RoomEvent
  /** How often it was put off. */
  attempt = 0
  /** The database keeps it, or is about to, until it has been dealt with. */
  staged: Promise<void> | undefined
  /** The room has dealt with it. */
  isDone = false
  /** Why it is rejected. */
  rejected: string | undefined
  /** Why it could not be stored, before anything kept it. */
  failure: Error | undefined
  /** Settles once the room has judged it, or it takes other servers to tell, or it was given up for now. */
  readonly judged: Promise<void>
  readonly settle: () => void
  readonly #at: Pick<StagedPdu, 'receivedTs' | 'ordinal'>

  constructor(origin: string, event: RoomEvent, at: Pick<StagedPdu, 'receivedTs' | 'ordinal'>) {
    this.origin = origin
    this.event = event
    this.#at = at
    const { promise, resolve } = Promise.withResolvers<void>()
    this.judged = promise
    this.settle = resolve
  }

  /** One that an earlier process, or another, has staged. */
  static ofStaged(staged: StagedPdu, version: RoomVersion): Arrival {
    const event = trustedEvent(parseJson(staged.json) as JsonObject, staged.eventId, version)
    const arrival = new Arrival(staged.origin, event, staged)
    arrival.staged = Promise.resolve()
    return arrival
  }

  /** By which it is told from others in this process. */
  get key(): string {
    return keyOf(this.event)
  }

  /** As the database keeps it. */
  row(): StagedPdu {
    const { roomId, eventId, pdu } = this.event
    return { roomId, eventId, origin: this.origin, json: canonicalJsonAsRead(pdu), ...this.#at }
  }
}

/** The `key` of an event as it arrives. */
export const keyOf = ({ roomId, eventId }: Pick<StagedPdu, 'roomId' | 'eventId'>): string =>
  `${roomId} ${eventId}`
