import type { RoomEventFilter } from '../../core/filter.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { TimelineGap } from '../../storage/rooms/timeline-gaps.ts'
import type { Requester } from '../requester.ts'
import type { IgnoredUsers } from './ignored-users.ts'
import { reachesBeyond } from './page-ends.ts'
import type { PartialRooms } from './partial-rooms.ts'
import type { Access, AccessOf } from './room-access.ts'
import type { Seeing, Sight } from './room-sight.ts'
import type { Stretch, TimelineSpan, Timelines } from './timeline.ts'

/**
 * Fetches history that is not here from servers in the room: from before all that is, or (`base` given) in the gap that begins
 * there, at its upper end (`TimelineGap`). Answers whether anything came.
 */
export type FetchHistory = (roomId: string, limit: number, base?: number) => Promise<boolean>

/** A room as one requester reads it. */
export interface Reading {
  readonly requester: Requester
  readonly access: Access
  readonly sight: Sight
  readonly ignored: ReadonlySet<string>
  readonly filter: RoomEventFilter
}

/**
 * Gaps are filled from their upper end. Who reads forwards needs the lower: so many pieces are fetched for one request, and
 * then what is left is passed over.
 */
const FORWARD_PIECES = 10

/** Reads pages of rooms' timelines, and fetches what a page comes to that is not here. */
export class HistoryPages {
  readonly #read: RoomReaders
  readonly #access: AccessOf
  readonly #sights: Seeing
  readonly #timelines: Timelines
  readonly #ignoredUsers: Pick<IgnoredUsers, 'of'>
  readonly #partial: PartialRooms
  readonly #fetchHistory: FetchHistory

  constructor(parts: {
    read: RoomReaders
    access: AccessOf
    sights: Seeing
    timelines: Timelines
    ignoredUsers: Pick<IgnoredUsers, 'of'>
    partial: PartialRooms
    fetchHistory: FetchHistory
  }) {
    this.#read = parts.read
    this.#access = parts.access
    this.#sights = parts.sights
    this.#timelines = parts.timelines
    this.#ignoredUsers = parts.ignoredUsers
    this.#partial = parts.partial
    this.#fetchHistory = parts.fetchHistory
  }

  /** The room as a requester reads it now. Throws `M_FORBIDDEN`. */
  async reading(requester: Requester, roomId: string, filter: RoomEventFilter): Promise<Reading> {
    const access = await this.#access(this.#read, requester.userId, roomId)
    const [sight, ignored] = await Promise.all([
      this.#sights.of(access.room.nid, requester.userId),
      this.#ignoredUsers.of(requester.userId),
    ])
    return { requester, access, sight, ignored, filter }
  }

  /** What of a stretch is here, up to where something is missing. */
  async collect(
    { requester, access, sight, ignored, filter }: Reading,
    span: TimelineSpan,
    limit: number,
  ): Promise<Stretch> {
    const { room } = access
    // "rooms: a list of room IDs to include", also where there is only one room to choose from.
    if (!filter.matchesRoom(room.roomId)) return { ...nothingFrom(span), exhausted: true }
    const { userId } = requester
    return this.#timelines.collect(room.nid, span, { userId, sight, limit, filter, ignored })
  }

  /** A stretch with what is fetched for it. Throws `M_UNKNOWN` (503) where what that needs takes too long. */
  async page(reading: Reading, span: TimelineSpan, limit: number): Promise<Stretch> {
    const begins = limit > 0 ? await this.#beginsAt(reading, span) : undefined
    const stored =
      begins === undefined
        ? await this.collect(reading, span, limit)
        : { ...nothingFrom(span), gap: begins.floor }
    if (stored.gap !== undefined) return this.#overGap(reading, span, { stored, floor: stored.gap, limit })
    return (await this.#fetchBeyond(reading, span, { stored, limit })) ?? stored
  }

  /** The gap that a stretch begins with: where nothing is shown beyond, no page tells of it. */
  async #beginsAt(reading: Reading, { direction, from, to }: TimelineSpan): Promise<TimelineGap | undefined> {
    const gap = direction === 'b' ? await this.#gap(reading, from + 1) : undefined
    return gap !== undefined && gap.base >= to ? gap : undefined
  }

  /** The gap below the event at a position. */
  async #gap({ access }: Reading, floor: number): Promise<TimelineGap | undefined> {
    return (await this.#read.gaps.ofRoom(access.room.nid)).find(gap => gap.floor === floor)
  }

  /**
   * A stretch that ends at a gap, with more of what is fetched from other servers. What they do not have now is passed over,
   * and asked for again when somebody comes by later.
   */
  async #overGap(
    reading: Reading,
    span: TimelineSpan,
    { stored, floor, limit }: { stored: Stretch; floor: number; limit: number },
  ): Promise<Stretch> {
    const { requester, filter, access } = reading
    const { direction } = span
    if (!(await this.#mayFetch(reading, stored))) return stored
    const gap = await this.#gap(reading, floor)
    const hasCome = gap === undefined || (await this.#fill(reading, gap, { direction, limit }))
    const again = await this.reading(requester, access.room.roomId, filter)
    const from = hasCome ? stored.next : beyond(direction, gap)
    const more = await this.#goOn(again, { ...span, from }, { before: stored, limit })
    if (direction === 'b' || !hasCome || more.gap === undefined) return more
    const left = await this.#gap(again, more.gap)
    if (left === undefined || left.base !== gap?.base) return more
    return this.#goOn(again, { ...span, from: beyond(direction, left) }, { before: more, limit })
  }

  /** Has a gap filled as far as one request may; answers whether anything came, here or through another process. */
  async #fill(
    { access: { room } }: Reading,
    { base, floor }: TimelineGap,
    { direction, limit }: { direction: TimelineSpan['direction']; limit: number },
  ): Promise<boolean> {
    let pieces = direction === 'f' ? FORWARD_PIECES : 1
    while (pieces > 0 && (await this.#fetchHistory(room.roomId, limit, base))) pieces -= 1
    const left = (await this.#read.gaps.ofRoom(room.nid)).find(gap => gap.base === base)
    return left?.floor !== floor
  }

  /** What comes after a stretch, with it. */
  async #goOn(
    reading: Reading,
    rest: TimelineSpan,
    { before, limit }: { before: Stretch; limit: number },
  ): Promise<Stretch> {
    const more = await this.collect(reading, rest, limit - before.events.length)
    return {
      ...more,
      exhausted: more.exhausted && !(await reachesBeyond(this.#read, reading, rest)),
      events: [...before.events, ...more.events],
      forks: new Map([...before.forks, ...more.forks]),
    }
  }

  /**
   * A stretch that ends where what is stored does, with more of what is fetched from other servers. These answer with as
   * much as they like, and little of it may pass the filter: there is a next page unless it is the beginning of the room.
   */
  async #fetchBeyond(
    reading: Reading,
    span: TimelineSpan,
    { stored, limit }: { stored: Stretch; limit: number },
  ): Promise<Stretch | undefined> {
    const { requester, filter, access } = reading
    const { roomId } = access.room
    if (!stored.exhausted || !(await reachesBeyond(this.#read, reading, span))) return undefined
    // What cannot be had now may be had later: only an empty page says that there is no more.
    const unended = stored.events.length > 0 ? { ...stored, exhausted: false } : undefined
    if (!(await this.#mayFetch(reading, stored))) return unended
    if (!(await this.#fetchHistory(roomId, limit))) return unended
    const again = await this.reading(requester, roomId, filter)
    return this.#goOn(again, { ...span, from: stored.next }, { before: stored, limit })
  }

  /**
   * What is older comes once the members are known: whoever can be shown something is not kept waiting for it, all others
   * wait for that.
   */
  async #mayFetch({ access }: Reading, { events }: Stretch): Promise<boolean> {
    const { nid } = access.room
    if ((await this.#read.partial.open(nid)) === undefined) return true
    if (events.length > 0) return false
    await this.#partial.require(nid)
    return true
  }
}

const nothingFrom = ({ from }: TimelineSpan): Stretch => ({
  events: [],
  forks: new Map(),
  next: from,
  exhausted: false,
})

/** Where to go on behind a gap. */
const beyond = (direction: TimelineSpan['direction'], { base, floor }: TimelineGap): number =>
  direction === 'b' ? base : floor - 1
