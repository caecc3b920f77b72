import type { LRUCache } from 'lru-cache'
import { boundedCache } from '../../core/caches.ts'
import { parseJson } from '../../core/canonical-json.ts'
import type { Clock } from '../../core/clock.ts'
import { clientEvent } from '../../core/event/client-event.ts'
import { stickyDuration } from '../../core/event/stickiness.ts'
import { type FieldTree, pickFields } from '../../core/event-fields.ts'
import type { JsonObject } from '../../core/json.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { isPassing } from '../../storage/rooms/passing-events.ts'
import type { StateViews } from '../../storage/rooms/state-views.ts'
import type { EventOrigin } from '../../storage/rooms/transactions.ts'
import { type Answer, together } from '../answer.ts'
import type { Aggregations, Bundle } from './aggregations.ts'
import { type Erasures, WITHHELD, withoutErased } from './erasures.ts'
import {
  type EventViewer,
  membership,
  originText,
  redactionText,
  replacement,
  stickyText,
} from './event-unsigned.ts'
import { shownEvent } from './shown-event.ts'

export type { EventViewer } from './event-unsigned.ts'

/** In which form events go out. */
export interface EventForm {
  /** Whether each event carries its `room_id` (not in `/sync`, where rooms are keys). */
  readonly roomId: boolean
  /** The event as it travels between servers, with its ID and `unsigned`. */
  readonly federation?: boolean
  /** Members that are asked for; those without which an event is none come along. */
  readonly fields?: FieldTree | undefined
  /** Whether `unsigned` holds what relates to the events (`m.relations`), for viewers with a sight of the room. */
  readonly bundle?: Bundle | undefined
}

/** What of an event is the same for every viewer, as JSON text. */
interface Rendered {
  /** The event in client format without `room_id` and `unsigned`, and without the closing brace. */
  readonly head: string
  /** `"redacted_because":{…},` if it was redacted. */
  readonly because: string
  /** The nid of the state event whose place it took. */
  readonly replaced: number | undefined
}

/** What is kept of a text beside its characters, in bytes. */
const TEXT_OVERHEAD = 300

/** "A server may include more fields than were requested": what a client cannot do without. */
const ALWAYS = ['event_id', 'type', 'sender', 'origin_server_ts', 'state_key', 'room_id'] as const

const NO_EVENTS: ReadonlyMap<number, StoredEvent> = new Map()
const NO_ORIGINS: ReadonlyMap<string, EventOrigin> = new Map()
const NOTHING_REPLACED: ReadonlyMap<number, number> = new Map()

/**
 * Renders events for clients. The text of an event is made once and shared by all who are shown it; what differs for
 * each viewer is spliced in.
 */
export class ClientEvents {
  readonly #read: RoomReaders
  readonly #views: StateViews
  readonly #aggregations: Aggregations
  readonly #clock: Clock
  readonly #erasures: Erasures
  readonly #rendered: LRUCache<number | string, Rendered>

  constructor(
    parts: {
      read: RoomReaders
      views: StateViews
      aggregations: Aggregations
      clock: Clock
      erasures: Erasures
    },
    options: { cacheSize?: number } = {},
  ) {
    this.#read = parts.read
    this.#views = parts.views
    this.#aggregations = parts.aggregations
    this.#clock = parts.clock
    this.#erasures = parts.erasures
    this.#rendered = boundedCache('rendered_events', {
      max: options.cacheSize,
      bytes: ({ head, because }) => TEXT_OVERHEAD + head.length + because.length,
    })
  }

  /** JSON texts of events in client format, in the order given. */
  async render(all: readonly StoredEvent[], viewer: EventViewer, form: EventForm): Promise<string[]> {
    if (all.length === 0) return []
    const current = this.#erasures.current()
    const erased = current instanceof Promise ? await current : current
    const events = erased.size === 0 ? all : all.map(stored => withoutErased(stored, viewer, erased))
    const made = this.#renderAll(events)
    const rendered = made instanceof Promise ? await made : made
    const parts = together([
      this.#origins(events, viewer),
      this.#replaced(rendered, events.some(isPassing)),
      this.#relations(events, viewer, form),
      this.#expiry(events),
    ])
    const [origins, replaced, relations, expiry] = parts instanceof Promise ? await parts : parts
    const now = this.#clock.now()
    return events.map((stored, index) => {
      const { head = '{', because = '', replaced: replacedNid } = rendered[index] ?? {}
      const { event } = stored
      const relating = relations?.get(stored.nid)
      const unsigned =
        `{${because}${replacement(stored, withoutErased(replaced.get(replacedNid ?? 0), viewer, erased), viewer)}"age":${now - event.originServerTs}` +
        `${membership(stored, viewer)}${originText(origins.get(event.eventId))}` +
        stickyText(expiry?.get(stored.nid), now) +
        `${relating === undefined ? '' : `,"m.relations":${relating}`}}`
      if (form.federation === true || form.fields !== undefined) return inForm(stored, head, unsigned, form)
      const roomId = form.roomId ? `,"room_id":${JSON.stringify(event.roomId)}` : ''
      return `${head}${roomId},"unsigned":${unsigned}}`
    })
  }

  /** The event as the viewer may have it, with `redactedBy` where nothing of its content is to be seen. */
  async asSeen<T extends StoredEvent>(stored: T, viewer: EventViewer): Promise<T> {
    return withoutErased(stored, viewer, await this.#erasures.current())
  }

  /** What `render` answers as JSON values, for small answers. */
  async values(events: readonly StoredEvent[], viewer: EventViewer, form: EventForm): Promise<JsonObject[]> {
    return (await this.render(events, viewer, form)).map(text => parseJson(text) as JsonObject)
  }

  /** `m.relations` by nid; children are rendered like their parents. */
  #relations(
    events: readonly StoredEvent[],
    viewer: EventViewer,
    form: EventForm,
  ): Answer<ReadonlyMap<number, string> | undefined> {
    const { userId, sight } = viewer
    if (sight === undefined || form.bundle === undefined) return undefined
    return this.#aggregations.of(events, { userId, sight }, form.bundle, (children, { bundle }) =>
      this.render(children, viewer, { ...form, bundle }),
    )
  }

  /** When those that are sticky (MSC4354) run out, by nid. */
  #expiry(events: readonly StoredEvent[]): Answer<ReadonlyMap<number, number> | undefined> {
    const sticky = events.filter(
      stored =>
        !isPassing(stored) && stored.redactedBy === undefined && stickyDuration(stored.event) !== undefined,
    )
    return sticky.length === 0 ? undefined : this.#read.sticky.expiry(sticky.map(({ nid }) => nid))
  }

  #renderAll(events: readonly StoredEvent[]): Answer<readonly Rendered[]> {
    const known = events.map(stored => passingText(stored) ?? this.#rendered.get(cacheKey(stored)))
    const fresh = events.filter((_, index) => known[index] === undefined)
    return fresh.length === 0
      ? known.filter(one => one !== undefined)
      : this.#renderFresh(events, known, fresh)
  }

  async #renderFresh(
    events: readonly StoredEvent[],
    known: readonly (Rendered | undefined)[],
    fresh: readonly StoredEvent[],
  ): Promise<Rendered[]> {
    const states = fresh.filter(
      ({ event, position }) => event.stateKey !== undefined && position !== undefined,
    )
    const [replaced, redactions] = await together([
      states.length === 0 ? NOTHING_REPLACED : this.#views.replaced(states.map(({ nid }) => nid)),
      this.#byNid(fresh.flatMap(({ redactedBy }) => redactedBy ?? [])),
    ])
    const made = new Map<number | string, Rendered>()
    for (const stored of fresh) {
      const redaction = stored.redactedBy === undefined ? undefined : redactions.get(stored.redactedBy)
      const one = {
        head: JSON.stringify(clientEvent(shownEvent(stored), { roomId: false })).slice(0, -1),
        because: redaction === undefined ? '' : `"redacted_because":${redactionText(redaction)},`,
        replaced: replaced.get(stored.nid),
      }
      made.set(cacheKey(stored), one)
      this.#rendered.set(cacheKey(stored), one)
    }
    return events.flatMap((stored, index) => known[index] ?? made.get(cacheKey(stored)) ?? [])
  }

  #replaced(rendered: readonly Rendered[], arePassing: boolean): Answer<ReadonlyMap<number, StoredEvent>> {
    return this.#byNid(
      rendered.flatMap(({ replaced }) => replaced ?? []),
      arePassing ? this.#read.passing : this.#read.events,
    )
  }

  #byNid(
    nids: readonly number[],
    from: Pick<RoomReaders['events'], 'byNids'> = this.#read.events,
  ): Answer<ReadonlyMap<number, StoredEvent>> {
    if (nids.length === 0) return NO_EVENTS
    return from.byNids(nids).then(events => new Map(events.map(stored => [stored.nid, stored])))
  }

  /** How the viewer's own events came to be. */
  #origins(events: readonly StoredEvent[], viewer: EventViewer): Answer<ReadonlyMap<string, EventOrigin>> {
    const own = events.filter(({ event }) => event.sender === viewer.userId)
    if (viewer.deviceId === undefined || own.length === 0) return NO_ORIGINS
    const nids = own.map(({ nid }) => nid)
    return this.#read.transactions.ofEvents(viewer.userId, viewer.deviceId, nids)
  }
}

/** The same of an event that is not kept, nor is this; one that was redacted takes the way of all others. */
const passingText = (stored: StoredEvent): Rendered | undefined =>
  isPassing(stored) && stored.redactedBy === undefined
    ? { head: stored.event.clientText, because: '', replaced: stored.replaced }
    : undefined

/**
 * Redaction changes what is rendered, and so does the place that an outlier gets in the timeline, by which it takes that of another state
 * event: each is cached apart from its former self.
 */
const cacheKey = ({ nid, redactedBy, position }: StoredEvent): number | string => {
  const self = position === undefined ? nid + 0.5 : nid
  if (redactedBy === undefined) return self
  return redactedBy === WITHHELD ? `withheld ${self}` : -self
}

/** An event in the federation format, or with some fields only. */
const inForm = (stored: StoredEvent, head: string, unsigned: string, form: EventForm): string => {
  const { event } = stored
  const extra = { ...(form.roomId ? { room_id: event.roomId } : {}), unsigned: parseJson(unsigned) }
  const base =
    form.federation === true
      ? { ...shownEvent(stored).pdu, event_id: event.eventId }
      : (parseJson(`${head}}`) as JsonObject)
  const whole: JsonObject = { ...base, ...extra }
  if (form.fields === undefined) return JSON.stringify(whole)
  const picked: Record<string, JsonObject[string]> = { content: {}, ...pickFields(whole, form.fields) }
  for (const name of ALWAYS) if (whole[name] !== undefined) picked[name] = whole[name]
  return JSON.stringify(picked)
}
