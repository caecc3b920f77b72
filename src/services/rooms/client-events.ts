import { LRUCache } from 'lru-cache'
import type { Clock } from '../../core/clock.ts'
import { clientEvent } from '../../core/event/client-event.ts'
import { trustedEvent } from '../../core/event/format.ts'
import { redactPdu } from '../../core/event/redaction.ts'
import type { JsonObject, JsonValue } from '../../core/json.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Sight } from './room-sight.ts'

/** For whom events are rendered. */
export interface EventViewer {
  readonly userId: string
  /** Its own events carry the transaction ID that it gave them. */
  readonly deviceId: string | undefined
  /** If given, `unsigned.membership` tells the viewer's membership at each event. */
  readonly sight?: Sight
}

interface Rendered {
  /** The event in client format as JSON text without `room_id` and `unsigned`, and without the closing brace. */
  readonly head: string
  /** What of `unsigned` is the same for every viewer. */
  readonly unsigned: JsonObject
}

/**
 * Renders events for clients. The text of an event is made once and shared by all who are shown it; what differs for
 * each viewer is spliced in.
 */
export class ClientEvents {
  readonly #read: RoomReaders
  readonly #clock: Clock
  readonly #rendered: LRUCache<number, Rendered>

  constructor(read: RoomReaders, clock: Clock, options: { cacheSize?: number } = {}) {
    this.#read = read
    this.#clock = clock
    this.#rendered = new LRUCache({ max: options.cacheSize ?? 20_000 })
  }

  /**
   * JSON texts of events in client format, in the order given.
   *
   * @param options.roomId whether each event carries its `room_id` (not in `/sync`, where rooms are keys)
   */
  async render(
    events: readonly StoredEvent[],
    viewer: EventViewer,
    options: { readonly roomId: boolean },
  ): Promise<string[]> {
    const own = events.filter(({ event }) => event.sender === viewer.userId).map(({ event }) => event.eventId)
    const transactions =
      viewer.deviceId === undefined || own.length === 0
        ? undefined
        : await this.#read.transactions.ofEvents(viewer.userId, viewer.deviceId, own)
    const now = this.#clock.now()
    const texts: string[] = []
    for (const stored of events) {
      const rendered = this.#rendered.get(cacheKey(stored)) ?? (await this.#renderOne(stored))
      const { event, position } = stored
      const unsigned: Record<string, JsonValue | undefined> = {
        ...rendered.unsigned,
        age: now - event.originServerTs,
      }
      const transaction = transactions?.get(event.eventId)
      if (transaction !== undefined) unsigned['transaction_id'] = transaction
      if (viewer.sight !== undefined && position !== undefined) {
        unsigned['membership'] = viewer.sight.membershipAt(position) ?? 'leave'
      }
      const roomId = options.roomId ? `,"room_id":${JSON.stringify(event.roomId)}` : ''
      texts.push(`${rendered.head}${roomId},"unsigned":${JSON.stringify(unsigned)}}`)
    }
    return texts
  }

  /** The same as JSON values, for small answers. */
  async values(
    events: readonly StoredEvent[],
    viewer: EventViewer,
    options: { readonly roomId: boolean },
  ): Promise<JsonObject[]> {
    return (await this.render(events, viewer, options)).map(text => JSON.parse(text) as JsonObject)
  }

  async #renderOne(stored: StoredEvent): Promise<Rendered> {
    const redaction =
      stored.redactedBy === undefined ? undefined : (await this.#read.events.byNids([stored.redactedBy]))[0]
    const event =
      redaction === undefined
        ? stored.event
        : trustedEvent(
            redactPdu(stored.event.pdu, stored.event.version),
            stored.event.eventId,
            stored.event.version,
          )
    const because = redaction && {
      redacted_because: { ...clientEvent(redaction.event, { roomId: true, unsigned: {} }) },
    }
    const rendered: Rendered = {
      head: JSON.stringify(clientEvent(event, { roomId: false })).slice(0, -1),
      unsigned: { ...(await this.#replaced(stored)), ...because },
    }
    this.#rendered.set(cacheKey(stored), rendered)
    return rendered
  }

  /** `replaces_state` and `prev_content` of a state event, from what its point held before. */
  async #replaced({ event, roomNid, position }: StoredEvent): Promise<JsonObject> {
    if (event.stateKey === undefined || position === undefined) return {}
    const nid = await this.#read.state.replacedAt(roomNid, event.type, event.stateKey, position)
    const [before] = nid === undefined ? [] : await this.#read.events.byNids([nid])
    if (before === undefined) return {}
    const content = before.redactedBy === undefined ? before.event.content : {}
    return { replaces_state: before.event.eventId, prev_content: content, prev_sender: before.event.sender }
  }
}

/** Redaction changes what is rendered: a redacted event is cached apart from its former self. */
const cacheKey = (stored: StoredEvent): number => (stored.redactedBy === undefined ? stored.nid : -stored.nid)
