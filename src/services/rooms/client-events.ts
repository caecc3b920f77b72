import { parseJson } from '../../core/canonical-json.ts'
import type { Clock } from '../../core/clock.ts'
import { stickyDuration } from '../../core/event/stickiness.ts'
import { type FieldTree, pickFields } from '../../core/event-fields.ts'
import type { JsonObject } from '../../core/json.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { isPassing } from '../../storage/rooms/passing-events.ts'
import type { StateViews } from '../../storage/rooms/state-views.ts'
import type { EventOrigin } from '../../storage/rooms/transactions.ts'
import { type Answer, andThen, together } from '../answer.ts'
import type { Aggregations, Bundle } from './aggregations.ts'
import { type ErasedSenders, type Erasures, withoutErased } from './erasures.ts'
import { type EventViewer, membership, originText, replacement, stickyText } from './event-unsigned.ts'
import { type Rendered, RenderedEvents } from './rendered-events.ts'
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

/** Events as the viewer may have them, and their texts. */
interface Made {
  readonly events: readonly StoredEvent[]
  readonly erased: ErasedSenders
  readonly rendered: readonly Rendered[]
}

/** What is told in `unsigned`: how events came to be, what they replaced, what relates to them, and when they run out. */
type Beside = readonly [
  ReadonlyMap<string, EventOrigin>,
  ReadonlyMap<number, StoredEvent>,
  ReadonlyMap<number, string> | undefined,
  ReadonlyMap<number, number> | undefined,
]

/** "A server may include more fields than were requested": what a client cannot do without. */
const ALWAYS = ['event_id', 'type', 'sender', 'origin_server_ts', 'state_key', 'room_id'] as const

const NO_EVENTS: ReadonlyMap<number, StoredEvent> = new Map()
const NO_ORIGINS: ReadonlyMap<string, EventOrigin> = new Map()

/**
 * Renders events for clients. The text of an event is made once and shared by all who are shown it; what differs for
 * each viewer is spliced in.
 */
export class ClientEvents {
  readonly #read: RoomReaders
  readonly #aggregations: Aggregations
  readonly #clock: Clock
  readonly #erasures: Erasures
  readonly #rendered: RenderedEvents

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
    this.#aggregations = parts.aggregations
    this.#clock = parts.clock
    this.#erasures = parts.erasures
    this.#rendered = new RenderedEvents(parts, options)
  }

  /** JSON texts of events in client format, in the order given. */
  render(all: readonly StoredEvent[], viewer: EventViewer, form: EventForm): Answer<string[]> {
    if (all.length === 0) return []
    return andThen(this.#erasures.current(), erased => {
      const events = erased.size === 0 ? all : all.map(stored => withoutErased(stored, viewer, erased))
      return andThen(this.#rendered.of(events), rendered =>
        this.#spliced({ events, erased, rendered }, viewer, form),
      )
    })
  }

  /** The texts, with what differs for the viewer. */
  #spliced(made: Made, viewer: EventViewer, form: EventForm): Answer<string[]> {
    const { events, rendered } = made
    const parts = together([
      this.#origins(events, viewer),
      this.#replaced(rendered, events.some(isPassing)),
      this.#relations(events, viewer, form),
      this.#expiry(events),
    ])
    return andThen(parts, beside => this.#texts(made, beside, viewer, form))
  }

  #texts(
    { events, erased, rendered }: Made,
    [origins, replaced, relations, expiry]: Beside,
    viewer: EventViewer,
    form: EventForm,
  ): string[] {
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
      Promise.resolve(this.render(children, viewer, { ...form, bundle })),
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
