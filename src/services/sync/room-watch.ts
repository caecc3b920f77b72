import type { Reader } from '../../storage/database.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { SyncReader } from '../../storage/rooms/sync-reader.ts'
import type { Answer } from '../answer.ts'
import { asksForRedaction } from '../rooms/redact-on-ban.ts'
import { MemberMoves } from './member-moves.ts'
import type { PartialSpans } from './partial-spans.ts'
import { RecentRooms } from './recent-rooms.ts'
import { RoomSummaries } from './room-summaries.ts'
import type { RoomsNow } from './rooms-now.ts'
import { type Watched, WatchedUsers } from './watched-users.ts'

const NO_ROOMS: ReadonlySet<number> = new Set()

/**
 * Follows the `events` stream for `/sync`: which rooms have news, and who of those who sync is in them. What it has
 * not followed yet does not exist for `/sync`: `position` is what tokens are made of.
 */
export class RoomWatch {
  readonly #read: RoomReaders
  readonly #sync: SyncReader
  readonly #summaries: RoomSummaries
  readonly #partial: PartialSpans
  readonly #users: WatchedUsers
  readonly #recent: RecentRooms
  readonly moves: MemberMoves
  /**
   * Told of every change of a membership; `cameIn`: somebody who syncs was not in the room before, and has been since that position
   * of `events`.
   */
  onMember: ((userId: string, roomNid: number, cameIn: number | undefined) => void) | undefined
  /** Told of every room whose members have come to be known, after it was joined without them. */
  onCompleted: ((roomNid: number) => void) | undefined
  #position: number

  constructor(
    parts: {
      db: Reader
      read: RoomReaders
      sync: SyncReader
      summaries: RoomSummaries
      partial: PartialSpans
    },
    options: { maxIdleRooms?: number } = {},
  ) {
    this.#read = parts.read
    this.#sync = parts.sync
    this.#summaries = parts.summaries
    this.#partial = parts.partial
    this.#position = parts.db.position('events')
    this.#recent = new RecentRooms(this.#position)
    this.moves = new MemberMoves(this.#position)
    this.#users = new WatchedUsers({ db: parts.db, memberships: parts.read.memberships }, options)
  }

  /** The position up to which this has followed the stream. */
  get position(): number {
    return this.#position
  }

  /** Follows the stream up to a position; answers the users among the watched whom it concerns. */
  async follow(upTo: number): Promise<Set<string>> {
    const concerned = new Set<string>()
    const after = this.#position
    if (upTo <= after) return concerned
    const completed = await this.#partial.follow(after, upTo)
    const touched = await this.#sync.touchedRooms(after, upTo)
    if (touched.some(room => room.redacts)) await this.#forgetRedacted(after, upTo)
    for (const { roomNid } of touched) {
      for (const userId of this.usersIn(roomNid)) concerned.add(userId)
    }
    const roomNids = [...touched, ...completed].map(({ roomNid }) => roomNid)
    const moved = new Set(completed.map(({ roomNid }) => roomNid))
    for (const { roomNid, type, stateKey } of await this.#sync.touchedPoints(roomNids, after, upTo)) {
      if (RoomSummaries.isTouchedBy(type)) this.#summaries.forget(roomNid)
      if (type !== 'm.room.member') continue
      moved.add(roomNid)
      await this.#followMember(roomNid, stateKey, { upTo, concerned })
    }
    for (const { roomNid, userId } of await this.#learnt(after, upTo, completed.length > 0)) {
      moved.add(roomNid)
      await this.#followMember(roomNid, userId, { upTo, concerned })
    }
    if (moved.size > 0) this.moves.add(upTo, moved)
    for (const { roomNid } of completed) {
      this.onCompleted?.(roomNid)
      this.#summaries.forget(roomNid)
      for (const userId of this.usersIn(roomNid)) concerned.add(userId)
    }
    for (const { roomNid, position } of [...touched, ...completed].sort((a, b) => a.position - b.position)) {
      this.#recent.add(position, roomNid)
    }
    this.#position = upTo
    return concerned
  }

  /**
   * Whether a membership of a room that a user was in may have changed, or come to be known, in a span that ends where this
   * has followed the stream to (or earlier): that of the user, or anybody's. `false` is certain.
   */
  mayHaveMoved(userId: string, after: number, upTo: number): boolean {
    if (upTo <= after) return false
    const watched = this.#users.get(userId)
    if (watched === undefined || after < watched.since || watched.movedAt > after) return true
    return this.moves.mayBeIn(watched.rooms, after, Math.max(upTo, this.#position))
  }

  /**
   * The rooms that a user who has entered may have come into after a position without `onMember` having told of it: nobody watched
   * them then. A mere new name counts too.
   */
  cameUnseen(userId: string, after: number): ReadonlySet<number> {
    const watched = this.#users.get(userId)
    if (watched === undefined || after >= watched.since) return NO_ROOMS
    return new Set([...watched.rooms].flatMap(([roomNid, since]) => (since > after ? roomNid : [])))
  }

  /** Keeps a user's rooms up to date until the answer is called. */
  enter(userId: string): Answer<() => void> {
    const { watched, release } = this.#users.hold(userId)
    return watched.isLoaded && this.#partial.isLoaded ? release : this.#entered(watched, release)
  }

  async #entered(watched: Watched, release: () => void): Promise<() => void> {
    try {
      await Promise.all([watched.loaded, this.#partial.load()])
    } catch (error) {
      release()
      throw error
    }
    return release
  }

  /** The rooms that a user has joined, as far as was followed: nids with the positions since when. */
  async joinedRooms(userId: string): Promise<ReadonlyMap<number, number>> {
    const leave = await this.enter(userId)
    leave()
    return this.#users.get(userId)?.rooms ?? new Map()
  }

  /** Has a user be in no room that is removed. */
  async forgetRemoved(userId: string): Promise<void> {
    const watched = this.#users.get(userId)
    if (watched === undefined) return
    await watched.loaded
    const roomNids = [...watched.rooms.keys()]
    const there = new Set((await this.#read.rooms.byNids(roomNids)).map(({ nid }) => nid))
    for (const roomNid of roomNids) {
      if (there.has(roomNid)) continue
      this.#users.follow(userId, watched, { roomNid, joinedAt: undefined, upTo: this.#position })
      this.onMember?.(userId, roomNid, undefined)
    }
  }

  /** Those of the watched who are in a room. */
  usersIn(roomNid: number): Iterable<string> {
    return this.#users.in(roomNid)
  }

  /** What there is to look at for a user who has entered, after a position; `all`: every room, whether or not it has news. */
  look(userId: string, after: number, all: boolean): RoomsNow {
    const watched = this.#users.get(userId)
    const upTo = this.#position
    const joined: ReadonlyMap<number, number> = watched?.rooms ?? new Map()
    const hasMoved = watched === undefined || after < watched.since || watched.movedAt > after
    const rooms = all ? undefined : this.#recent.among(joined, after)
    return { upTo, rooms: rooms ?? new Map(joined), joined, isExact: all || rooms !== undefined, hasMoved }
  }

  /** Another process may have redacted what is cached here; and a room whose name is redacted is called by its heroes. */
  async #forgetRedacted(after: number, upTo: number): Promise<void> {
    const { events } = this.#read
    const redactions = await events.byNids(await this.#sync.redactions(after, upTo))
    for (const { roomNid, event } of (await events.targetsOf(redactions)).values())
      if (event.stateKey !== undefined && RoomSummaries.isTouchedBy(event.type))
        this.#summaries.forget(roomNid)
    for (const { roomNid, event } of redactions)
      if (event.stateKey !== undefined && asksForRedaction(event)) events.forgetOf(event.stateKey, roomNid)
  }

  /** Users of whom it was learnt that they are in rooms which lack members, or have just ceased to: no event says so. */
  async #learnt(
    after: number,
    upTo: number,
    isAnyComplete: boolean,
  ): Promise<{ roomNid: number; userId: string }[]> {
    if (!isAnyComplete && !this.#partial.hasOpen) return []
    return this.#read.memberships.toldBetween(after, upTo)
  }

  async #followMember(
    roomNid: number,
    userId: string,
    { upTo, concerned }: { upTo: number; concerned: Set<string> },
  ): Promise<void> {
    if (this.#users.get(userId) === undefined) {
      this.onMember?.(userId, roomNid, undefined)
      return
    }
    const row = await this.#read.memberships.one(userId, roomNid)
    const watched = this.#users.get(userId)
    if (watched === undefined) return
    concerned.add(userId)
    const joined = row?.membership === 'join' ? row : undefined
    const wasIn = this.#users.follow(userId, watched, { roomNid, joinedAt: joined?.position, upTo })
    const cameIn = joined === undefined || wasIn ? undefined : Math.max(joined.position, joined.toldFrom ?? 0)
    this.onMember?.(userId, roomNid, cameIn)
  }
}
