import type { LRUCache } from 'lru-cache'
import { boundedCache } from '../../core/caches.ts'
import { type HistoryVisibility, historyVisibilityOf, mayUserSee } from '../../core/history-visibility.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Membership } from '../../storage/rooms/memberships.ts'
import type { StateSpan } from '../../storage/rooms/state-entry.ts'
import type { StateViews } from '../../storage/rooms/state-views.ts'
import { membershipOf } from './room-head.ts'
import {
  at,
  END,
  joinedSince,
  type Range,
  type SightHistory,
  type Span,
  visibilityAt,
  visibleRanges,
} from './visible-ranges.ts'

export { at, type Span, visibilityAt } from './visible-ranges.ts'

/** Where the state before an event on a fork is another than the timeline's. */
export interface ForkState {
  readonly visibility?: HistoryVisibility
  readonly membership?: Membership | 'none'
}

/** What one user may see of one room. */
export interface Sight {
  /** Where there is anything to be seen, oldest first; what is outside need not be read. */
  readonly ranges: readonly Range[]
  /** From this position on `membershipAt` knows; before it, only a sight that is loaded in full does. */
  readonly knownFrom: number
  /** When the user was joined. */
  readonly joins: readonly Span<Membership>[]
  /** Whether the user may see an event of the timeline (client-server API, "Room History Visibility"). */
  sees(stored: StoredEvent, fork?: ForkState): boolean
  /** The user's membership right after the event at a position; `undefined` if there was none. */
  membershipAt(position: number): Membership | undefined
  /** The same in the state of the event itself, which on a fork may be another one. */
  membershipIn(stored: StoredEvent, fork?: ForkState): Membership | undefined
}

/**
 * The sight of somebody who is joined since a position, of what came since: everything. Nothing has to be loaded for it.
 */
export const presentSight = (joinedAt: number): Sight => ({
  ranges: [{ from: joinedAt, to: END }],
  knownFrom: joinedAt,
  joins: [{ from: joinedAt, to: undefined, value: 'join' }],
  sees: ({ position }) => position !== undefined && position >= joinedAt,
  membershipAt: () => 'join',
  membershipIn: () => 'join',
})

/** How it is known what users may see of rooms. */
export type Seeing = Pick<Sights, 'of' | 'forks'>

/** The sight of an administrator: all of the timeline. What they were in the room themselves is of no matter. */
const OPEN_SIGHT: Sight = {
  ranges: [{ from: -END, to: END }],
  knownFrom: END,
  joins: [],
  sees: ({ position }) => position !== undefined,
  membershipAt: () => 'join',
  membershipIn: () => undefined,
}

export const openSights: Seeing = { of: async () => OPEN_SIGHT, forks: async () => new Map() }

const fullSight = (history: SightHistory, userId: string): Sight => {
  const { visibilities, memberships } = history
  const isOwn = ({ event }: StoredEvent): boolean =>
    event.type === 'm.room.member' && event.stateKey === userId
  const membershipBefore = (position: number, fork: ForkState | undefined): Membership | undefined => {
    if (fork?.membership === undefined) return at(memberships, position - 1)
    return fork.membership === 'none' ? undefined : fork.membership
  }
  return {
    ranges: visibleRanges(history),
    knownFrom: -END,
    joins: memberships.filter(({ value }) => value === 'join'),
    membershipAt: position => at(memberships, position),
    membershipIn: (stored, fork) =>
      isOwn(stored) ? membershipOf(stored.event) : membershipBefore(stored.position ?? 0, fork),
    sees: (stored, fork) => {
      const { position, event } = stored
      if (position === undefined) return false
      const visibility = fork?.visibility ?? visibilityAt(visibilities, position - 1)
      const membership = membershipBefore(position, fork)
      return mayUserSee({
        visibilityAt:
          event.type === 'm.room.history_visibility' && event.stateKey === ''
            ? { before: visibility, after: historyVisibilityOf(event) }
            : { before: visibility },
        membershipAt: isOwn(stored)
          ? { before: membership, after: membershipOf(event) }
          : { before: membership },
        joinedSince: joinedSince(memberships, position),
      })
    },
  }
}

/** A point's values over time, and the rows that were the oldest and the newest when they were read. */
interface Track<T> {
  readonly oldest: StateSpan
  readonly newest: StateSpan
  readonly refills: number
  readonly spans: readonly Span<T>[]
}

/**
 * Loads what decides about users' sights of rooms. What was loaded is kept: it is taken up from where it ended, at the
 * price of one look whether there is more.
 */
export class Sights {
  readonly #read: RoomReaders
  readonly #views: StateViews
  readonly #visibilities: LRUCache<number, Track<HistoryVisibility>>
  readonly #memberships: LRUCache<string, Track<Membership>>

  constructor(read: RoomReaders, views: StateViews, options: { cacheSize?: number } = {}) {
    this.#read = read
    this.#views = views
    const max = options.cacheSize
    this.#visibilities = boundedCache('history_visibilities', { max })
    this.#memberships = boundedCache('own_memberships', { max })
  }

  /** A user's sight of a room, as everything stored by now makes it. */
  async of(roomNid: number, userId: string): Promise<Sight> {
    const key = `${roomNid} ${userId}`
    const [visibilities, memberships] = await Promise.all([
      this.#track(this.#visibilities.get(roomNid), { roomNid, type: VISIBILITY, stateKey: '' }, stored =>
        historyVisibilityOf(stored.event),
      ),
      this.#track(this.#memberships.get(key), { roomNid, type: 'm.room.member', stateKey: userId }, stored =>
        membershipOf(stored.event),
      ),
    ])
    if (visibilities !== undefined) this.#visibilities.set(roomNid, visibilities)
    if (memberships !== undefined) this.#memberships.set(key, memberships)
    return fullSight(
      { visibilities: visibilities?.spans ?? [], memberships: memberships?.spans ?? [] },
      userId,
    )
  }

  /** For events on forks: what decides in their own states, by nid. */
  async forks(eventNids: readonly number[], userId: string): Promise<Map<number, ForkState>> {
    const states = new Map<number, ForkState>()
    if (eventNids.length === 0) return states
    const points = await this.#views.forks(eventNids, userId)
    const events = await this.#read.events.byNids(points.flatMap(point => point.stateNid ?? []))
    const byNid = new Map(events.map(stored => [stored.nid, stored.event]))
    for (const { eventNid, type, stateNid } of points) {
      const event = stateNid === undefined ? undefined : byNid.get(stateNid)
      const known = states.get(eventNid)
      if (type === VISIBILITY) states.set(eventNid, { ...known, visibility: historyVisibilityOf(event) })
      else states.set(eventNid, { ...known, membership: (event && membershipOf(event)) ?? 'none' })
    }
    return states
  }

  async #track<T>(
    known: Track<T> | undefined,
    { roomNid, type, stateKey }: { roomNid: number; type: string; stateKey: string },
    value: (stored: StoredEvent) => T | undefined,
  ): Promise<Track<T> | undefined> {
    const ends = await this.#views.ends(roomNid, type, stateKey)
    if (ends === undefined) return undefined
    const { oldest, newest, refills } = ends
    const isBegun =
      known?.oldest.nid === oldest.nid && known.oldest.from === oldest.from && known.refills === refills
    if (isBegun && isSame(known.newest, newest)) return known
    // The past may have grown, too: of a room that was joined, history is fetched, which says since when something held; and
    // what was missing in between.
    const rows = isBegun
      ? await this.#views.since(roomNid, type, stateKey, known.newest.from)
      : await this.#read.state.history(roomNid, type, stateKey)
    const fresh = await valuesOf(this.#read, rows, value)
    const before = isBegun ? until(known.spans, known.newest.from) : []
    return { oldest, newest: rows.at(-1) ?? newest, refills, spans: joined([...before, ...fresh]) }
  }
}

/** A user's sight of a room for one look; who looks often takes `Sights`. */
export const sightOf = async (read: RoomReaders, roomNid: number, userId: string): Promise<Sight> => {
  const [visibilities, memberships] = await Promise.all([
    spans(read, roomNid, VISIBILITY, '', stored => historyVisibilityOf(stored.event)),
    spans(read, roomNid, 'm.room.member', userId, stored => membershipOf(stored.event)),
  ])
  return fullSight({ visibilities, memberships: joined(memberships) }, userId)
}

const VISIBILITY = 'm.room.history_visibility'

const isSame = (a: StateSpan, b: StateSpan): boolean => a.nid === b.nid && a.from === b.from && a.to === b.to

/** The values that a point of a room's state has had, with when they held, oldest first. */
export const spans = async <T>(
  read: RoomReaders,
  roomNid: number,
  type: string,
  stateKey: string,
  value: (stored: StoredEvent) => T | undefined,
): Promise<Span<T>[]> => valuesOf(read, await read.state.history(roomNid, type, stateKey), value)

const valuesOf = async <T>(
  read: RoomReaders,
  rows: readonly StateSpan[],
  value: (stored: StoredEvent) => T | undefined,
): Promise<Span<T>[]> => {
  const events = new Map((await read.events.byNids(rows.map(row => row.nid))).map(one => [one.nid, one]))
  return rows.flatMap(({ nid, from, to }) => {
    const stored = events.get(nid)
    const found = stored && value(stored)
    return found === undefined ? [] : [{ from, to, value: found }]
  })
}

/** What of these spans is before a position. */
const until = <T>(all: readonly Span<T>[], position: number): Span<T>[] =>
  all.flatMap(span => {
    if (span.from >= position) return []
    return span.to !== undefined && span.to <= position ? [span] : [{ ...span, to: position }]
  })

/** Neighbours of one value become one: a user who changes their name a thousand times was joined once. */
const joined = <T>(all: readonly Span<T>[]): Span<T>[] => {
  const result: Span<T>[] = []
  for (const span of all) {
    const last = result.at(-1)
    if (last !== undefined && last.to === span.from && last.value === span.value) {
      result[result.length - 1] = { ...last, to: span.to }
    } else result.push(span)
  }
  return result
}
