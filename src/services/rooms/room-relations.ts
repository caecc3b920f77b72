import { MatrixError } from '../../core/errors.ts'
import { formatStreamToken } from '../../core/stream-token.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { type ChildPlace, MAX_RELATION_DEPTH } from '../../storage/rooms/relations.ts'
import type { ThreadRow } from '../../storage/rooms/threads.ts'
import type { Requester } from '../requester.ts'
import type { ClientEvents } from './client-events.ts'
import { withheld } from './erasures.ts'
import type { IgnoredUsers } from './ignored-users.ts'
import { accessOf } from './room-access.ts'
import type { RoomReading } from './room-reading.ts'
import type { Sight, Sights } from './room-sight.ts'
import { seesWholeThreads, threadSeenBy } from './thread-sight.ts'
import { BEGINNING } from './timeline.ts'
import type { TokenPosition } from './token-position.ts'
import { END } from './visible-ranges.ts'

/** Which of the events that relate to one are wanted. */
export interface RelationsRequest {
  readonly relType?: string | undefined
  readonly eventType?: string | undefined
  readonly direction: 'b' | 'f'
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly limit?: number | undefined
  /** Also what relates to what relates to it; `undefined` where the client did not say. */
  readonly recurse: boolean | undefined
}

export interface RelationsPage {
  /** JSON texts in client format. */
  readonly chunk: readonly string[]
  readonly nextBatch: string | undefined
  readonly prevBatch: string | undefined
  readonly recursionDepth: number | undefined
}

/** Which threads are wanted. */
export interface ThreadsRequest {
  readonly participated: boolean
  readonly limit?: number | undefined
  readonly from?: string | undefined
}

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100
/** Events that one request looks at, seen or not. */
const MAX_SCANNED = 2_000

/** Pages through what relates to events, and through threads. Tokens are those of the timeline. */
export class RoomRelations {
  readonly #read: RoomReaders
  readonly #roomReading: RoomReading
  readonly #sights: Sights
  readonly #ignoredUsers: IgnoredUsers
  readonly #clientEvents: ClientEvents
  readonly #tokenPosition: TokenPosition

  constructor(parts: {
    read: RoomReaders
    roomReading: RoomReading
    sights: Sights
    ignoredUsers: IgnoredUsers
    clientEvents: ClientEvents
    tokenPosition: TokenPosition
  }) {
    this.#read = parts.read
    this.#roomReading = parts.roomReading
    this.#sights = parts.sights
    this.#ignoredUsers = parts.ignoredUsers
    this.#clientEvents = parts.clientEvents
    this.#tokenPosition = parts.tokenPosition
  }

  /** `GET …/relations/…`. Throws `M_NOT_FOUND` (also for what the requester may not see), `M_INVALID_PARAM`. */
  async relations(
    requester: Requester,
    roomId: string,
    parentId: string,
    request: RelationsRequest,
  ): Promise<RelationsPage> {
    const { roomNid } = await this.#roomReading.visibleEvent(requester, roomId, parentId)
    const sight = await this.#sights.of(roomNid, requester.userId)
    const ignored = await this.#ignoredUsers.of(requester.userId)
    const limit = pageLimit(request.limit)
    const { direction, relType, eventType, recurse = false } = request
    const from = request.from === undefined ? undefined : this.#tokenPosition('from', request.from)
    const to = request.to === undefined ? undefined : this.#tokenPosition('to', request.to)
    const span =
      direction === 'b'
        ? { after: to ?? BEGINNING, upTo: from ?? END }
        : { after: from ?? BEGINNING, upTo: to ?? END }
    const found = await this.#collect(
      limit,
      (last, count) => {
        // Where the page before ended: spans are exclusive below and inclusive above.
        const rest =
          last === undefined
            ? span
            : direction === 'b'
              ? { ...span, upTo: last - 1 }
              : { ...span, after: last }
        return this.#read.relations.children({
          ...{ roomNid, parentId, relType, eventType, recurse, direction, limit: count },
          ...rest,
        })
      },
      stored =>
        sight.sees(stored) && (stored.event.stateKey !== undefined || !ignored.has(stored.event.sender)),
    )
    const next = found.next === undefined ? undefined : direction === 'b' ? found.next - 1 : found.next
    return {
      chunk: await this.#render(found.events, requester, sight),
      nextBatch: next === undefined ? undefined : formatStreamToken({ events: next }),
      prevBatch: from === undefined ? undefined : formatStreamToken({ events: from }),
      // "If the recurse parameter was supplied by the client, this response field is mandatory."
      recursionDepth: request.recurse === undefined ? undefined : recurse ? MAX_RELATION_DEPTH : 1,
    }
  }

  /**
   * `GET …/threads`: the events that threads hang on, by the newest event of each thread. The root of an ignored user
   * "is returned redacted". Throws `M_FORBIDDEN`, `M_INVALID_PARAM`.
   */
  async threads(
    requester: Requester,
    roomId: string,
    request: ThreadsRequest,
  ): Promise<{ chunk: readonly string[]; nextBatch: string | undefined }> {
    const { userId } = requester
    const limit = pageLimit(request.limit)
    const { room } = await accessOf(this.#read, userId, roomId)
    const [sight, ignored] = await Promise.all([
      this.#sights.of(room.nid, userId),
      this.#ignoredUsers.of(userId),
    ])
    const participant = request.participated ? userId : undefined
    let before = request.from === undefined ? END : this.#tokenPosition('from', request.from) + 1
    const roots: StoredEvent[] = []
    for (let scanned = 0; scanned < MAX_SCANNED; ) {
      const rows = await this.#read.threads.list(room.nid, before, limit + 1, participant)
      const shown = await this.#roots(rows, room.nid, sight, ignored)
      for (const row of rows) {
        const root = shown.get(row.rootId)
        if (root !== undefined && roots.length === limit) {
          const chunk = await this.#renderRoots(roots, requester, sight, ignored)
          return { chunk, nextBatch: formatStreamToken({ events: before - 1 }) }
        }
        before = row.latestPosition
        if (root !== undefined) roots.push(root)
      }
      scanned += rows.length
      if (rows.length <= limit)
        return { chunk: await this.#renderRoots(roots, requester, sight, ignored), nextBatch: undefined }
    }
    const chunk = await this.#renderRoots(roots, requester, sight, ignored)
    return { chunk, nextBatch: formatStreamToken({ events: before - 1 }) }
  }

  /** The roots of threads of which there is something to be seen, by ID. */
  async #roots(
    rows: readonly ThreadRow[],
    roomNid: number,
    sight: Sight,
    ignored: ReadonlySet<string>,
  ): Promise<Map<string, StoredEvent>> {
    const stored = await this.#read.events.byIds(rows.map(row => row.rootId))
    const visible = [...stored].filter(([, root]) => root.roomNid === roomNid && sight.sees(root))
    if (seesWholeThreads(sight, ignored)) return new Map(visible)
    const counts = await Promise.all(
      visible.map(([rootId]) => threadSeenBy(this.#read.threads, { roomNid, rootId }, sight, ignored)),
    )
    return new Map(visible.filter((_, index) => (counts[index]?.count ?? 0) > 0))
  }

  async #render(events: readonly StoredEvent[], requester: Requester, sight: Sight): Promise<string[]> {
    return this.#clientEvents.render(events, { ...requester, sight }, { roomId: true, bundle: 'all' })
  }

  #renderRoots(
    roots: readonly StoredEvent[],
    requester: Requester,
    sight: Sight,
    ignored: ReadonlySet<string>,
  ): Promise<string[]> {
    const isHidden = ({ event }: StoredEvent): boolean =>
      event.stateKey === undefined && ignored.has(event.sender)
    return this.#render(
      roots.map(root => (isHidden(root) ? withheld(root) : root)),
      requester,
      sight,
    )
  }

  /** Reads children page by page until enough pass. `next`: the position of the last one looked at, if more may come. */
  async #collect(
    limit: number,
    read: (last: number | undefined, count: number) => Promise<ChildPlace[]>,
    passes: (stored: StoredEvent) => boolean,
  ): Promise<{ events: StoredEvent[]; next: number | undefined }> {
    const events: StoredEvent[] = []
    let last: number | undefined
    for (let scanned = 0; scanned < MAX_SCANNED; ) {
      const count = limit - events.length + 1
      const places = await read(last, count)
      const found = await this.#read.events.byNids(places.map(place => place.nid))
      const byNid = new Map(found.map(stored => [stored.nid, stored]))
      for (const { nid, position } of places) {
        const stored = byNid.get(nid)
        if (stored !== undefined && passes(stored)) {
          if (events.length === limit) return { events, next: last }
          events.push(stored)
        }
        last = position
      }
      scanned += places.length
      if (places.length < count) return { events, next: undefined }
    }
    return { events, next: last }
  }
}

const pageLimit = (limit: number | undefined): number => {
  if (limit !== undefined && limit < 1) throw new MatrixError('M_INVALID_PARAM', 'limit must be at least 1')
  return Math.min(limit ?? DEFAULT_LIMIT, MAX_LIMIT)
}
