import { MatrixError } from '../../core/errors.ts'
import type { RoomEventFilter } from '../../core/filter.ts'
import { formatStreamToken, parseStreamToken } from '../../core/stream-token.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Requester } from '../requester.ts'
import type { ClientEvents } from './client-events.ts'
import { type Access, accessOf } from './room-access.ts'
import { type Sight, sightOf } from './room-sight.ts'
import { BEGINNING, collect, type Span, type Stretch } from './timeline.ts'

/** Fetches history from before what is stored, from servers in the room; answers whether anything came. */
export type FetchHistory = (roomId: string, limit: number) => Promise<boolean>

export interface PageRequest {
  readonly direction: 'b' | 'f'
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

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 1000
/** Pages through rooms' timelines in the order in which this server has them. */
export class RoomHistory {
  readonly #read: RoomReaders
  readonly #clientEvents: ClientEvents
  readonly #now: () => number
  readonly #fetchHistory: FetchHistory

  constructor(parts: {
    read: RoomReaders
    clientEvents: ClientEvents
    currentPosition: () => number
    fetchHistory: FetchHistory
  }) {
    this.#read = parts.read
    this.#clientEvents = parts.clientEvents
    this.#now = parts.currentPosition
    this.#fetchHistory = parts.fetchHistory
  }

  /** `/messages`. Throws `M_FORBIDDEN`, `M_INVALID_PARAM` (token). */
  async messages(requester: Requester, roomId: string, request: PageRequest): Promise<Page> {
    const access = await accessOf(this.#read, requester.userId, roomId)
    const sight = await sightOf(this.#read, access.room.nid, requester.userId)
    const span = this.#span(access, request)
    const limit = pageLimit(request.limit ?? request.filter.limit)
    let found = await this.#collect(access, span, { sight, filter: request.filter, limit })
    if (
      found.exhausted &&
      request.direction === 'b' &&
      span.to === BEGINNING &&
      (await this.#fetchHistory(roomId, limit))
    ) {
      const more = await this.#collect(
        access,
        { ...span, from: found.next },
        {
          sight: await sightOf(this.#read, access.room.nid, requester.userId),
          filter: request.filter,
          limit: limit - found.events.length,
        },
      )
      found = { ...more, events: [...found.events, ...more.events] }
    }
    const viewer = { ...requester, sight }
    return {
      start: formatStreamToken({ events: span.from }),
      end: found.exhausted ? undefined : formatStreamToken({ events: found.next }),
      chunk: await this.#clientEvents.render(found.events, viewer, { roomId: true }),
      state: await this.#lazyMembers(access, request, found.events, requester),
    }
  }

  /** `/context`: what surrounds an event that the caller has checked the requester may see. */
  async around(
    requester: Requester,
    roomId: string,
    center: StoredEvent,
    options: { limit: number | undefined; filter: RoomEventFilter },
  ): Promise<{
    start: string
    end: string
    before: string[]
    after: string[]
    event: string
    state: string[]
  }> {
    const access = await accessOf(this.#read, requester.userId, roomId)
    const sight = await sightOf(this.#read, access.room.nid, requester.userId)
    const limit = Math.floor(pageLimit(options.limit) / 2)
    const position = center.position ?? this.#now()
    const shared = { sight, filter: options.filter }
    const ceiling = access.upTo ?? this.#now()
    const back: Span = { direction: 'b', from: position - 1, to: BEGINNING }
    const forth: Span = { direction: 'f', from: position, to: ceiling }
    const [before, after] = await Promise.all([
      this.#collect(access, back, { ...shared, limit: Math.max(limit, 0) }),
      this.#collect(access, forth, { ...shared, limit: Math.max(limit, 0) }),
    ])
    const viewer = { ...requester, sight }
    const last = after.events.at(-1)?.position ?? position
    const entries = await this.#read.state.at(access.room.nid, last)
    const state = await this.#read.events.byNids(entries.map(entry => entry.nid))
    const senders = new Set([center, ...before.events, ...after.events].map(({ event }) => event.sender))
    const shown = options.filter.lazyLoadMembers
      ? state.filter(({ event }) => event.type !== 'm.room.member' || senders.has(event.stateKey ?? ''))
      : state
    const render = (events: readonly StoredEvent[]) =>
      this.#clientEvents.render(events, viewer, { roomId: true })
    const [event = '{}'] = await render([center])
    return {
      start: formatStreamToken({ events: before.next }),
      end: formatStreamToken({ events: after.next }),
      before: await render(before.events),
      after: await render(after.events),
      event,
      state: await render(shown),
    }
  }

  #span(access: Access, request: PageRequest): Span {
    const ceiling = access.upTo ?? this.#now()
    const { direction } = request
    const start = direction === 'b' ? ceiling : BEGINNING
    const limit = direction === 'b' ? BEGINNING : ceiling
    const from = request.from === undefined ? start : tokenPosition('from', request.from)
    const to = request.to === undefined ? limit : tokenPosition('to', request.to)
    return { direction, from: Math.min(from, ceiling), to: Math.min(to, ceiling) }
  }

  #collect(
    access: Access,
    span: Span,
    want: { sight: Sight; filter: RoomEventFilter; limit: number },
  ): Promise<Stretch> {
    const passes = (stored: StoredEvent): boolean =>
      want.sight.sees(stored) && want.filter.matches(stored.event)
    return collect(this.#read, access.room.nid, span, { limit: want.limit, passes })
  }

  /** With lazy loading: the member events of the senders, as of the newest event of the page. */
  async #lazyMembers(
    access: Access,
    request: PageRequest,
    events: readonly StoredEvent[],
    requester: Requester,
  ): Promise<string[]> {
    if (!request.filter.lazyLoadMembers || events.length === 0) return []
    const newest = Math.max(...events.map(({ position }) => position ?? 0))
    const senders = [...new Set(events.map(({ event }) => event.sender))]
    const nids = await Promise.all(
      senders.map(
        async sender =>
          (await this.#read.state.point(access.room.nid, 'm.room.member', sender, newest)) ??
          (await this.#read.state.point(access.room.nid, 'm.room.member', sender)),
      ),
    )
    const members = await this.#read.events.byNids(nids.filter(nid => nid !== undefined))
    return this.#clientEvents.render(members, requester, { roomId: true })
  }
}

const pageLimit = (limit: number | undefined): number =>
  Math.min(Math.max(Math.floor(limit ?? DEFAULT_LIMIT), 0), MAX_LIMIT)

const tokenPosition = (name: string, text: string): number => {
  const position = parseStreamToken(text)?.events
  if (position === undefined)
    throw new MatrixError('M_INVALID_PARAM', `${name} is not a token of this server`)
  return position
}
