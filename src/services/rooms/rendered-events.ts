import { recentCache } from '../../core/caches.ts'
import { clientEvent } from '../../core/event/client-event.ts'
import type { Generations } from '../../core/generations.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { isPassing } from '../../storage/rooms/passing-events.ts'
import type { StateViews } from '../../storage/rooms/state-views.ts'
import { type Answer, andThen } from '../answer.ts'
import { WITHHELD } from './erasures.ts'
import { redactionText } from './event-unsigned.ts'
import { shownEvent } from './shown-event.ts'

/** What of an event is the same for every viewer, as JSON text. */
export interface Rendered {
  /** The event in client format without `room_id` and `unsigned`, and without the closing brace. */
  readonly head: string
  /** `"redacted_because":{…},` if it was redacted. */
  readonly because: string
  /** The nid of the state event whose place it took. */
  readonly replaced: number | undefined
}

/** What is kept of a text beside its characters, in bytes. */
const TEXT_OVERHEAD = 300

const NO_EVENTS: ReadonlyMap<number, StoredEvent> = new Map()
const NOTHING_REPLACED: ReadonlyMap<number, number> = new Map()

/** The texts of events, as far as they are the same for everybody: made once, and kept. */
export class RenderedEvents {
  readonly #read: RoomReaders
  readonly #views: StateViews
  readonly #kept: Generations<number | string, Rendered>

  constructor(parts: { read: RoomReaders; views: StateViews }, options: { cacheSize?: number }) {
    this.#read = parts.read
    this.#views = parts.views
    this.#kept = recentCache('rendered_events', {
      max: options.cacheSize,
      bytes: ({ head, because }) => TEXT_OVERHEAD + head.length + because.length,
    })
  }

  /** The texts of events, in the order given. */
  of(events: readonly StoredEvent[]): Answer<readonly Rendered[]> {
    return andThen(this.#redactions(events), redactions => {
      const keys = events.map(stored => cacheKey(stored, redactions))
      const known = events.map((stored, index) => passingText(stored) ?? this.#kept.get(keys[index] ?? 0))
      const fresh = events.filter((_, index) => known[index] === undefined)
      return fresh.length === 0
        ? known.filter(one => one !== undefined)
        : andThen(this.#made(fresh, redactions), made =>
            events.flatMap((_, index) => known[index] ?? made.get(keys[index] ?? 0) ?? []),
          )
    })
  }

  #made(fresh: readonly StoredEvent[], redactions: Redactions): Answer<Map<number | string, Rendered>> {
    const states = fresh.filter(
      ({ event, position }) => event.stateKey !== undefined && position !== undefined,
    )
    const read = states.length === 0 ? NOTHING_REPLACED : this.#views.replaced(states.map(({ nid }) => nid))
    return andThen<ReadonlyMap<number, number>, Map<number | string, Rendered>>(read, replaced => {
      const made = new Map<number | string, Rendered>()
      for (const stored of fresh) {
        const redaction = redactions.get(stored.redactedBy ?? WITHHELD)
        const one = {
          head: JSON.stringify(clientEvent(shownEvent(stored), { roomId: false })).slice(0, -1),
          because: redaction === undefined ? '' : `"redacted_because":${redactionText(redaction)},`,
          replaced: replaced.get(stored.nid),
        }
        const key = cacheKey(stored, redactions)
        made.set(key, one)
        this.#kept.set(key, one)
      }
      return made
    })
  }

  /** By what the events were redacted, as it stands now. */
  #redactions(events: readonly StoredEvent[]): Answer<Redactions> {
    const redacted = events.filter(({ redactedBy = WITHHELD }) => redactedBy !== WITHHELD)
    if (redacted.length === 0) return NO_EVENTS
    const asked = [...new Set(redacted.flatMap(({ redactedBy }) => redactedBy ?? []))]
    const kept = this.#read.events.kept(asked)
    return kept === undefined ? this.#read.events.byNids(asked).then(byNid) : byNid(kept)
  }
}

/** Redactions by nid. */
type Redactions = ReadonlyMap<number, StoredEvent>

const byNid = (events: readonly StoredEvent[]): Redactions =>
  new Map(events.map(stored => [stored.nid, stored]))

/** The same of an event that is not kept, nor is this; one that was redacted takes the way of all others. */
const passingText = (stored: StoredEvent): Rendered | undefined =>
  isPassing(stored) && stored.redactedBy === undefined
    ? { head: stored.event.clientText, because: '', replaced: stored.replaced }
    : undefined

/**
 * Redaction changes what is rendered, that of the redaction as well, and so does the place that an outlier gets in the timeline, by which
 * it takes that of another state event: each is cached apart from its former self.
 */
const cacheKey = ({ nid, redactedBy, position }: StoredEvent, redactions: Redactions): number | string => {
  const self = position === undefined ? nid + 0.5 : nid
  if (redactedBy === undefined) return self
  if (redactedBy === WITHHELD) return `withheld ${self}`
  return redactions.get(redactedBy)?.redactedBy === undefined ? -self : `without a reason ${self}`
}
