import type { Clock } from '../../core/clock.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Answer } from '../answer.ts'
import type { RoomWatch } from './room-watch.ts'
import type { SyncRequest } from './sync-request.ts'
import { type News, NO_NEWS, type RoomExtras, type SyncSource, type ToldRoom } from './sync-source.ts'

/**
 * "If there are too many sticky events to deliver at once, they will be delivered in subsequent responses instead." What
 * comes late by that may have been in a timeline before, so that this is no less than some large calls have.
 */
const MAX_STICKY = 1_000

/** Of one room that the client comes to know, as many as are bearable: "the server MUST include all unexpired". */
const MAX_OF_ROOM = 10_000

/**
 * Sticky events (MSC4354) of rooms that the user is in, whether or not the timeline reaches them, and whatever the
 * history visibility: "any joined user is authorised to see sticky events for the duration they remain sticky". It goes
 * along the axis of the events, and lags behind where there are many. Where nothing is sticky the database is not asked.
 */
export class StickyStream implements SyncSource {
  readonly stream = 'sticky'
  readonly #read: RoomReaders
  readonly #watch: Pick<RoomWatch, 'position' | 'joinedRooms'>
  readonly #clock: Clock
  readonly #limit: number

  constructor(
    parts: { read: RoomReaders; watch: Pick<RoomWatch, 'position' | 'joinedRooms'>; clock: Clock },
    options: { limit?: number } = {},
  ) {
    this.#read = parts.read
    this.#watch = parts.watch
    this.#clock = parts.clock
    this.#limit = options.limit ?? MAX_STICKY
  }

  position(): number {
    return this.#watch.position
  }

  news(request: SyncRequest, after: number | undefined, upTo: number): Answer<News> {
    const from = after ?? 0
    const isQuiet = from >= upTo || this.#read.sticky.known()?.size === 0
    return isQuiet ? NO_NEWS : this.#live(request, from, upTo)
  }

  async #live(request: SyncRequest, from: number, upTo: number): Promise<News> {
    const live = [...(await this.#read.sticky.live(this.#clock.now()))]
    const recent = live.filter(([, { newest }]) => newest > from)
    if (recent.length === 0) return NO_NEWS
    const joined = await this.#watch.joinedRooms(request.requester.userId)
    const roomNids = recent.flatMap(([roomNid]) => (joined.has(roomNid) ? roomNid : []))
    if (roomNids.length === 0) return NO_NEWS
    const { nids, end } = await this.#page(roomNids, from, upTo)
    const events = (await this.#read.events.byNids(nids)).filter(stored => isWanted(stored, request))
    const rooms = new Map<string, RoomExtras>()
    for (const [roomId, sticky] of Map.groupBy(events, ({ event }) => event.roomId)) {
      if (request.filter.matchesRoom(roomId)) rooms.set(roomId, { sticky })
    }
    return { rooms, ...(end === undefined ? {} : { upTo: end }) }
  }

  async roomSticky(request: SyncRequest, { roomNid }: ToldRoom, upTo: number): Promise<StoredEvent[]> {
    const now = this.#clock.now()
    const { sticky, events } = this.#read
    if (!(await sticky.live(now)).has(roomNid)) return []
    const told = await sticky.told([roomNid], { after: 0, upTo, now, limit: MAX_OF_ROOM })
    return (await events.byNids(told.map(({ nid }) => nid))).filter(stored => isWanted(stored, request))
  }

  /** The oldest of a span; `end` is how far they reach, where there are more. */
  async #page(
    roomNids: readonly number[],
    after: number,
    upTo: number,
  ): Promise<{ nids: number[]; end?: number }> {
    const now = this.#clock.now()
    const limit = this.#limit
    const found = await this.#read.sticky.told(roomNids, { after, upTo, now, limit: limit + 1 })
    const nids = (rows: typeof found): number[] => rows.map(({ nid }) => nid)
    const [last, next] = found.slice(limit - 1)
    if (last === undefined || next === undefined) return { nids: nids(found) }
    const end = last.position
    if (next.position > end) return { nids: nids(found.slice(0, limit)), end }
    // What came with a room's state shares one position, and is told together.
    const all = await this.#read.sticky.told(roomNids, { after, upTo: end, now, limit: MAX_OF_ROOM })
    return { nids: nids(all), end }
  }
}

/** Of ignored users only state events are shown. */
const isWanted = ({ event }: StoredEvent, { ignored }: SyncRequest): boolean =>
  event.stateKey !== undefined || !ignored.has(event.sender)
