import { boundedCache } from '../../core/caches.ts'
import type { PresenceName } from '../../core/presence.ts'
import type { DisplayProfile } from '../accounts/index.ts'
import { RecentChanges } from './recent-changes.ts'

/** What is known of a user's presence, local or not. Instants are milliseconds since 1970. */
export interface PresenceState {
  readonly presence: PresenceName
  readonly currentlyActive: boolean
  readonly statusMsg: string | undefined
  readonly lastActiveTs: number
  /** When their server last spoke of them. */
  readonly updatedTs: number
  /** The new profile, for a user who has changed it since this process started. */
  readonly profile?: DisplayProfile
}

/** Of whom nothing is known. */
export const OFFLINE: PresenceState = {
  presence: 'offline',
  currentlyActive: false,
  statusMsg: undefined,
  lastActiveTs: 0,
  updatedTs: 0,
}

/** Whether two are the same to whoever sees them, but for when the user was active. */
export const looksLike = (
  a: Omit<PresenceState, 'lastActiveTs' | 'updatedTs'>,
  b: Omit<PresenceState, 'lastActiveTs' | 'updatedTs'>,
): boolean =>
  a.presence === b.presence && a.statusMsg === b.statusMsg && a.currentlyActive === b.currentlyActive

/** The clocks of several processes are expected to differ by no more. */
const CLOCKS_DIFFER_MS = 60_000

/** When what is learnt now was said: after what is known, also where that comes from a process whose clock is ahead. */
export const updatedAfter = (known: PresenceState | undefined, now: number): number =>
  Math.max(now, Math.min(known?.updatedTs ?? 0, now + CLOCKS_DIFFER_MS))

/** Who has come into a room is told of so many who have gone. */
const MAX_GONE = 500

interface Known {
  readonly state: PresenceState
  /** The rooms that the user was in when the state was last announced: nids. */
  readonly rooms: ReadonlySet<number>
}

/** Something that makes news: a user's presence was announced, or a user has come into a room with people in it. */
type Change = { readonly userId: string } | { readonly newcomer: string; readonly roomNid: number }

/** A stretch of the stream `presence`. */
export interface PresenceSpan {
  readonly after: number | undefined
  readonly upTo: number
  /** Rooms that the user has come into meanwhile, of which no change tells (nids). */
  readonly entered?: ReadonlySet<number>
}

export interface Announcement {
  readonly userId: string
  readonly rooms: ReadonlySet<number>
}

/** Who is known to be how, and what of it is news to whom: only those who share a room. */
export class PresenceStates {
  readonly #users = boundedCache<string, Known>('presence')
  #position: number
  readonly #changes: RecentChanges<Change>
  readonly #listeners = new Set<(announcement: Announcement) => void>()

  /** @param position where the stream `presence` stands now */
  constructor(position: number) {
    this.#position = position
    this.#changes = new RecentChanges(position)
  }

  /** The position of the newest change, in the stream `presence`. */
  get position(): number {
    return this.#position
  }

  get(userId: string): PresenceState | undefined {
    return this.#users.get(userId)?.state
  }

  /** Remembers a state, without telling anybody. */
  set(userId: string, state: PresenceState): void {
    this.#users.set(userId, { state, rooms: this.#users.peek(userId)?.rooms ?? new Set() })
  }

  /** Remembers where a user is, without telling anybody. */
  place(userId: string, rooms: ReadonlySet<number>): void {
    const known = this.#users.peek(userId)
    if (known !== undefined) this.#users.set(userId, { state: known.state, rooms })
  }

  /** Somebody is no longer in a room, which is no news. */
  left(userId: string, roomNid: number): void {
    const rooms = new Set(this.#users.peek(userId)?.rooms)
    if (rooms.delete(roomNid)) this.place(userId, rooms)
  }

  /** Makes a user's state news for everybody in these rooms. */
  announce(userId: string, rooms: ReadonlySet<number>, position: number): void {
    this.place(userId, rooms)
    this.#add(position, { userId })
    for (const listener of this.#listeners) listener({ userId, rooms })
  }

  /** Makes the presence of those in a room news for a user who has just come into it. */
  welcome(newcomer: string, roomNid: number, position: number): void {
    this.#add(position, { newcomer, roomNid })
    for (const listener of this.#listeners) listener({ userId: newcomer, rooms: new Set() })
  }

  /** What was announced up to now is not known completely: who asks for it is told everything. */
  forgetChanges(): void {
    this.#changes.forget(this.#position)
  }

  #add(position: number, change: Change): void {
    this.#position = position
    this.#changes.add(position, change)
  }

  /** Whether a user was in a room when their state was last announced; `undefined` for who is not known. */
  isIn(userId: string, roomNid: number): boolean | undefined {
    return this.#users.peek(userId)?.rooms.has(roomNid)
  }

  /** Calls `listener` with everything that is announced; answers how to stop that. */
  onAnnouncement(listener: (announcement: Announcement) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** All users who are known, in no order. */
  entries(): Iterable<readonly [userId: string, state: PresenceState]> {
    return [...this.#users.entries()].map(([userId, { state }]) => [userId, state] as const)
  }

  /**
   * Whose presence is news for a user who is in `rooms`, after one position up to another. An initial sync
   * (`after` undefined) has all who are not offline; a token from before what is remembered has everybody.
   */
  news(userId: string, rooms: Rooms, { after, upTo, entered }: PresenceSpan): string[] {
    const changes = after === undefined ? undefined : this.#changes.between(after, upTo)
    if (changes === undefined) {
      return [...this.#users.entries()].flatMap(([other, known]) => {
        if (after === undefined && known.state.presence === 'offline') return []
        return concerns(userId, rooms, other, known) ? other : []
      })
    }
    const told = new Set<string>()
    const welcoming = new Set(entered)
    for (const change of changes) {
      if ('userId' in change) {
        const known = this.#users.peek(change.userId)
        if (known !== undefined && concerns(userId, rooms, change.userId, known)) told.add(change.userId)
      } else if (change.newcomer === userId && rooms.has(change.roomNid)) welcoming.add(change.roomNid)
    }
    return welcoming.size === 0 ? [...told] : [...told.union(this.#in(welcoming))]
  }

  /**
   * Who is in some rooms: those who are there, and who has gone last of those who were. Whoever meets these again may have been shown
   * them as there, in a room that they had in common before.
   */
  #in(rooms: ReadonlySet<number>): Set<string> {
    const there = new Set<string>()
    const gone: { readonly userId: string; readonly since: number }[] = []
    for (const [userId, { state, rooms: theirs }] of this.#users.entries()) {
      if (!intersects(theirs, rooms)) continue
      if (state.presence !== 'offline') there.add(userId)
      else if (state.lastActiveTs > 0) gone.push({ userId, since: state.updatedTs })
    }
    gone.sort((a, b) => b.since - a.since)
    for (const { userId } of gone.slice(0, MAX_GONE)) there.add(userId)
    return there
  }
}

/** Rooms by their nids: a set, or the keys of a map. */
export interface Rooms {
  readonly size: number
  has(roomNid: number): boolean
  keys(): Iterable<number>
}

const concerns = (userId: string, rooms: Rooms, other: string, known: Known): boolean =>
  userId === other || intersects(known.rooms, rooms)

const intersects = (a: Rooms, b: Rooms): boolean => {
  const [fewer, more] = a.size < b.size ? [a, b] : [b, a]
  for (const item of fewer.keys()) if (more.has(item)) return true
  return false
}
