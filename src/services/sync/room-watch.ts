import { LRUCache } from 'lru-cache'
import type { Reader } from '../../storage/database.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { SyncReader, type TouchedEvent } from '../../storage/rooms/sync-reader.ts'

/** A user whose rooms are kept in memory while they sync. */
interface Watched {
  readonly rooms: Set<number>
}

/** Users who have not synced for long are forgotten first. */
const MAX_WATCHED = 20_000

/**
 * Follows the `events` stream for `/sync`: which rooms have news, and who of those who sync is in them. What it has
 * not followed yet does not exist for `/sync`: `position` is what tokens are made of.
 */
export class RoomWatch {
  readonly #read: RoomReaders
  readonly #sync: SyncReader
  readonly #watched: LRUCache<string, Watched>
  readonly #usersIn = new Map<number, Set<string>>()
  /** Newest position of every room that had an event since this process started. */
  readonly #newest = new Map<number, number>()
  readonly #startedAt: number
  /** Told of every change of a membership; `cameIn`: somebody who syncs was not in the room before. */
  onMember: ((userId: string, roomNid: number, cameIn: boolean) => void) | undefined
  #position: number

  constructor(db: Reader, read: RoomReaders) {
    this.#read = read
    this.#sync = new SyncReader(db)
    this.#startedAt = db.position('events')
    this.#position = this.#startedAt
    this.#watched = new LRUCache({
      max: MAX_WATCHED,
      dispose: ({ rooms }, userId) => {
        for (const nid of rooms) this.#leave(nid, userId)
      },
    })
  }

  /** The position up to which this has followed the stream. */
  get position(): number {
    return this.#position
  }

  /** Follows the stream up to a position; answers the users among the watched whom it concerns. */
  async follow(upTo: number): Promise<Set<string>> {
    const concerned = new Set<string>()
    if (upTo <= this.#position) return concerned
    const touched = await this.#sync.touched(this.#position, upTo)
    for (const event of touched) {
      this.#newest.set(event.roomNid, event.position)
      for (const userId of this.#usersIn.get(event.roomNid) ?? []) concerned.add(userId)
    }
    for (const event of touched) await this.#followMember(event, concerned)
    this.#position = upTo
    return concerned
  }

  /** The rooms that a user has joined; kept up to date from now on. */
  async joinedRooms(userId: string): Promise<ReadonlySet<number>> {
    const known = this.#watched.get(userId)
    if (known !== undefined) return known.rooms
    // What changes while this is read is followed afterwards, since membership rows are read as they are then.
    const rows = await this.#read.memberships.ofUser(userId, ['join'])
    const rooms = new Set(rows.map(row => row.roomNid))
    this.#watched.set(userId, { rooms })
    for (const nid of rooms) this.#join(nid, userId)
    return rooms
  }

  /** Those of the watched who are in a room. */
  usersIn(roomNid: number): Iterable<string> {
    return this.#usersIn.get(roomNid) ?? []
  }

  /** Which of these rooms have events after `after` and up to the position that was followed. */
  async changedSince(rooms: ReadonlySet<number>, after: number): Promise<number[]> {
    const changed: number[] = []
    const unsure: number[] = []
    for (const nid of rooms) {
      const newest = this.#newest.get(nid)
      if (newest !== undefined && newest > after) changed.push(nid)
      else if (after < this.#startedAt) unsure.push(nid)
    }
    if (unsure.length === 0) return changed
    return [...changed, ...(await this.#sync.withEvents(unsure, after, this.#position))]
  }

  async #followMember({ roomNid, memberOf: userId }: TouchedEvent, concerned: Set<string>): Promise<void> {
    if (userId === undefined) return
    const watched = this.#watched.peek(userId)
    if (watched === undefined) {
      this.onMember?.(userId, roomNid, false)
      return
    }
    concerned.add(userId)
    const row = await this.#read.memberships.one(userId, roomNid)
    const isIn = row?.membership === 'join'
    const cameIn = isIn && !watched.rooms.has(roomNid)
    if (isIn) {
      watched.rooms.add(roomNid)
      this.#join(roomNid, userId)
    } else {
      watched.rooms.delete(roomNid)
      this.#leave(roomNid, userId)
    }
    this.onMember?.(userId, roomNid, cameIn)
  }

  #join(roomNid: number, userId: string): void {
    const users = this.#usersIn.get(roomNid)
    if (users === undefined) this.#usersIn.set(roomNid, new Set([userId]))
    else users.add(userId)
  }

  #leave(roomNid: number, userId: string): void {
    const users = this.#usersIn.get(roomNid)
    users?.delete(userId)
    if (users?.size === 0) this.#usersIn.delete(roomNid)
  }
}
