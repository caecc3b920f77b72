import type { RoomEventFilter } from '../../core/filter.ts'
import { formatStreamToken } from '../../core/stream-token.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { StateAt, StateViews } from '../../storage/rooms/state-views.ts'
import type { Direction } from '../../storage/rooms/timeline-reader.ts'
import type { Requester } from '../requester.ts'
import type { ClientEvents } from './client-events.ts'
import type { HistoryPages, Reading } from './history-pages.ts'
import { goesOn } from './page-ends.ts'
import type { Access } from './room-access.ts'
import { BEGINNING, passes, type TimelineSpan } from './timeline.ts'
import type { TokenPosition } from './token-position.ts'

export interface PageRequest {
  readonly direction: Direction
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly limit?: number | undefined
  readonly filter: RoomEventFilter
}

/** A page of a room's timeline; events and state are JSON texts in client format. */
export interface Page {
  readonly start: string
  /** Where to go on; absent at the end of what there is. */
  readonly end: string | undefined
  readonly chunk: readonly string[]
  readonly state: readonly string[]
}

/** What surrounds an event, as JSON texts in client format. */
export interface Surroundings {
  readonly start: string
  readonly end: string
  readonly before: readonly string[]
  readonly event: string
  readonly after: readonly string[]
  readonly state: readonly string[]
}

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 1000

/** Pages through rooms' timelines in the order in which this server has them. */
export class RoomHistory {
  readonly #read: RoomReaders
  readonly #views: StateViews
  readonly #pages: HistoryPages
  readonly #clientEvents: ClientEvents
  readonly #tokenPosition: TokenPosition
  readonly #now: () => number

  constructor(parts: {
    read: RoomReaders
    views: StateViews
    pages: HistoryPages
    clientEvents: ClientEvents
    tokenPosition: TokenPosition
    currentPosition: () => number
  }) {
    this.#read = parts.read
    this.#views = parts.views
    this.#pages = parts.pages
    this.#clientEvents = parts.clientEvents
    this.#tokenPosition = parts.tokenPosition
    this.#now = parts.currentPosition
  }

  /** `/messages`. Throws `M_FORBIDDEN`, `M_INVALID_PARAM` (token), `M_UNKNOWN` (503) where what it lacks takes too long. */
  async messages(requester: Requester, roomId: string, request: PageRequest): Promise<Page> {
    const reading = await this.#pages.reading(requester, roomId, request.filter)
    const span = this.#span(reading.access, request)
    const found = await this.#pages.page(reading, span, pageLimit(request.limit ?? request.filter.limit))
    const { sight } = reading
    const viewer = { ...requester, sight, forks: found.forks }
    return {
      // "This will be the same as the value given in `from`."
      start: request.from ?? formatStreamToken({ events: span.from }),
      end: goesOn(reading.access, request, found) ? formatStreamToken({ events: found.next }) : undefined,
      chunk: await this.#clientEvents.render(found.events, viewer, { roomId: true, bundle: 'all' }),
      state: await this.#lazyMembers(reading, found.events),
    }
  }

  /** `/context`: what surrounds an event that the caller has checked the requester may see. */
  async around(
    requester: Requester,
    roomId: string,
    center: StoredEvent,
    options: { limit: number | undefined; filter: RoomEventFilter },
  ): Promise<Surroundings> {
    const reading = await this.#pages.reading(requester, roomId, options.filter)
    const { access, sight } = reading
    const limit = pageLimit(options.limit)
    const half = Math.floor(limit / 2)
    const position = center.position ?? this.#now()
    const ceiling = access.upTo ?? this.#now()
    const [before, after] = await Promise.all([
      this.#pages.collect(reading, { direction: 'b', from: position - 1, to: BEGINNING }, half),
      this.#pages.collect(reading, { direction: 'f', from: position, to: ceiling }, limit - half),
    ])
    const forks = new Map([...before.forks, ...after.forks])
    const render = (events: readonly StoredEvent[]) =>
      this.#clientEvents.render(events, { ...requester, sight, forks }, { roomId: true, bundle: 'all' })
    const last = after.events.at(-1)?.position ?? position
    const shown = [center, ...before.events, ...after.events]
    const state = await this.#stateAround(reading, shown, last)
    const [event = '{}'] = await render([center])
    return {
      start: formatStreamToken({ events: before.next }),
      end: formatStreamToken({ events: after.next }),
      before: await render(before.events),
      after: await render(after.events),
      event,
      state: await render(state),
    }
  }

  #span(access: Access, request: PageRequest): TimelineSpan {
    const ceiling = access.upTo ?? this.#now()
    const { direction } = request
    const start = direction === 'b' ? ceiling : BEGINNING
    const limit = direction === 'b' ? BEGINNING : ceiling
    const from = request.from === undefined ? start : this.#tokenPosition('from', request.from)
    const to = request.to === undefined ? limit : this.#tokenPosition('to', request.to)
    return { direction, from: Math.min(from, ceiling), to: Math.min(to, ceiling) }
  }

  /** With lazy loading: the member events of the senders, as of the newest event of the page. */
  async #lazyMembers({ requester, access, filter, sight }: Reading, events: readonly StoredEvent[]) {
    if (!filter.lazyLoadMembers || events.length === 0) return []
    const newest = Math.max(...events.map(({ position }) => position ?? 0))
    const entries = await this.#membersOf(access, events, newest)
    const members = await this.#read.events.byNids(entries.map(entry => entry.nid))
    return this.#clientEvents.render(members, { ...requester, sight }, { roomId: true })
  }

  /** The senders' member events; of those who were no members then, what they are now. */
  async #membersOf(
    { room, upTo = this.#now() }: Access,
    events: readonly StoredEvent[],
    position: number,
  ): Promise<StateAt[]> {
    const senders = [...new Set(events.map(({ event }) => event.sender))]
    const then = await this.#views.members(room.nid, senders, position)
    const found = new Set(then.map(entry => entry.stateKey))
    const others = senders.filter(sender => !found.has(sender))
    return [...then, ...(await this.#views.members(room.nid, others, upTo))]
  }

  async #stateAround(
    { access, filter }: Reading,
    events: readonly StoredEvent[],
    position: number,
  ): Promise<StoredEvent[]> {
    const { nid } = access.room
    const entries = filter.lazyLoadMembers
      ? [
          ...(await this.#views.withoutMembers(nid, position)),
          ...(await this.#membersOf(access, events, position)),
        ]
      : await this.#views.whole(nid, position, true)
    // "The filter is only applied to events_before, events_after, and state."
    const state = await this.#read.events.byNids(entries.map(entry => entry.nid))
    return filter.everything ? state : state.filter(stored => passes(filter, stored))
  }
}

const pageLimit = (limit: number | undefined): number =>
  Math.min(Math.max(Math.floor(limit ?? DEFAULT_LIMIT), 0), MAX_LIMIT)
