import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { StateAt } from '../../storage/rooms/state-views.ts'
import type { Answer } from '../answer.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import { inSlices } from '../rooms/state-slices.ts'
import { passes } from '../rooms/timeline.ts'
import type { RoomTimeline } from './room-timeline.ts'
import { presentation } from './section-parts.ts'
import type { SyncRequest } from './sync-request.ts'

/** Renders the events of a room's section as JSON texts, as whoever asks is shown them. */
export class SectionEvents {
  readonly #read: RoomReaders
  readonly #clientEvents: ClientEvents

  constructor(read: RoomReaders, clientEvents: ClientEvents) {
    this.#read = read
    this.#clientEvents = clientEvents
  }

  timeline(request: SyncRequest, timeline: RoomTimeline): Answer<string[]> {
    const { viewer, form } = presentation(request, timeline)
    // What relates to events in a gap the client cannot put together by itself.
    const bundle = timeline.limited ? 'all' : undefined
    return this.#clientEvents.render(timeline.events, viewer, { ...form, bundle })
  }

  /** Events that go with a timeline and are not in it. */
  beside(request: SyncRequest, timeline: RoomTimeline, events: readonly StoredEvent[]): Answer<string[]> {
    const { viewer, form } = presentation(request, timeline)
    return this.#clientEvents.render(events, viewer, form)
  }

  /** Loads and renders state: each text has some events, with commas between them. */
  async state(request: SyncRequest, timeline: RoomTimeline, entries: readonly StateAt[]): Promise<string[]> {
    const texts: string[] = []
    for await (const text of this.stateSlices(request, timeline, entries)) texts.push(text)
    return texts
  }

  /** The same of a large room in slices. */
  async *stateSlices(
    request: SyncRequest,
    timeline: RoomTimeline,
    entries: readonly StateAt[],
  ): AsyncGenerator<string, void> {
    const nids = entries.map(({ nid }) => nid)
    for await (const events of inSlices(this.#read, nids)) {
      const chosen = events.filter(stored => passes(request.filter.state, stored))
      if (chosen.length > 0) yield (await this.beside(request, timeline, chosen)).join(',')
    }
  }
}
