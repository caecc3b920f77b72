import type { LRUCache } from 'lru-cache'
import { boundedCache } from '../../core/caches.ts'
import type { Reader } from '../../storage/database.ts'
import type { MembershipReader } from '../../storage/rooms/memberships.ts'

/** A user whose rooms are kept up to date. */
export interface Watched {
  /** Nid → the position since when the user is joined without any change to their membership. */
  readonly rooms: Map<number, number>
  readonly loaded: Promise<void>
  isLoaded: boolean
  /** Memberships followed while the others are still being read: these are newer. */
  readonly fresh: Set<number>
  /** All changes after this were followed; the last was at `movedAt`. */
  since: number
  movedAt: number
  /** How many wait or are being answered. Whom nobody waits for may be forgotten. */
  holders: number
}

/** Those who sync, or have lately, with the rooms they are in: read once, and then kept up to date by whoever follows the stream. */
export class WatchedUsers {
  readonly #db: Reader
  readonly #memberships: MembershipReader
  readonly #users = new Map<string, Watched>()
  /** Users for whom nobody waits, by how many rooms they are in; beyond the bound the first are forgotten. */
  readonly #idle: LRUCache<string, Watched>
  readonly #in = new Map<number, Set<string>>()

  constructor(
    parts: { db: Reader; memberships: MembershipReader },
    options: { maxIdleRooms?: number | undefined } = {},
  ) {
    this.#db = parts.db
    this.#memberships = parts.memberships
    this.#idle = boundedCache('idle_syncs', {
      max: options.maxIdleRooms,
      size: ({ rooms }) => rooms.size + 1,
      dispose: (watched, userId, reason) => {
        if (reason === 'evict') this.#drop(userId, watched)
      },
    })
  }

  get(userId: string): Watched | undefined {
    return this.#users.get(userId)
  }

  /** Those of the watched who are in a room. */
  in(roomNid: number): Iterable<string> {
    return this.#in.get(roomNid) ?? []
  }

  /** Watches a user at least until `release` is called; the rooms are there once `loaded`. */
  hold(userId: string): { watched: Watched; release: () => void } {
    const watched = this.#users.get(userId) ?? this.#watch(userId)
    watched.holders += 1
    this.#idle.delete(userId)
    const release = (): void => {
      watched.holders -= 1
      if (watched.holders === 0) this.#idle.set(userId, watched)
    }
    return { watched, release }
  }

  /**
   * Follows a user's membership of a room, as it was at the position `upTo`: joined since `joinedAt`, or not (any more). Answers whether
   * they were joined before.
   */
  follow(
    userId: string,
    watched: Watched,
    { roomNid, joinedAt, upTo }: { roomNid: number; joinedAt: number | undefined; upTo: number },
  ): boolean {
    const wasIn = watched.rooms.has(roomNid)
    watched.movedAt = upTo
    watched.fresh.add(roomNid)
    if (joinedAt === undefined) this.#leave(userId, watched, roomNid)
    else this.#join(userId, watched, roomNid, joinedAt)
    return wasIn
  }

  #watch(userId: string): Watched {
    const watched: Watched = {
      rooms: new Map(),
      loaded: Promise.resolve().then(() => this.#load(userId, watched)),
      isLoaded: false,
      fresh: new Set(),
      since: Number.MAX_SAFE_INTEGER,
      movedAt: 0,
      holders: 0,
    }
    this.#users.set(userId, watched)
    return watched
  }

  async #load(userId: string, watched: Watched): Promise<void> {
    try {
      for (const { roomNid, position } of await this.#memberships.ofUser(userId, ['join'])) {
        if (!watched.fresh.has(roomNid)) this.#join(userId, watched, roomNid, position)
      }
      watched.fresh.clear()
      // What was read may be ahead of what was followed.
      watched.since = this.#db.position('events')
      watched.isLoaded = true
    } catch (error) {
      this.#drop(userId, watched)
      throw error
    }
  }

  #join(userId: string, watched: Watched, roomNid: number, position: number): void {
    watched.rooms.set(roomNid, position)
    const users = this.#in.get(roomNid)
    if (users === undefined) this.#in.set(roomNid, new Set([userId]))
    else users.add(userId)
  }

  #leave(userId: string, watched: Watched, roomNid: number): void {
    watched.rooms.delete(roomNid)
    const users = this.#in.get(roomNid)
    users?.delete(userId)
    if (users?.size === 0) this.#in.delete(roomNid)
  }

  #drop(userId: string, watched: Watched): void {
    for (const nid of [...watched.rooms.keys()]) this.#leave(userId, watched, nid)
    if (this.#users.get(userId) === watched) this.#users.delete(userId)
  }
}
