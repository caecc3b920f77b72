import { boundedCache } from '../../core/caches.ts'
import { isCompliantUserId, isRoomAlias } from '../../core/ids.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Membership, MembershipCounts } from '../../storage/rooms/memberships.ts'
import type { StateViews } from '../../storage/rooms/state-views.ts'

/** A room without a name is called by so many of its members. */
const HEROES = 5
/** So many are looked at for that. */
const CANDIDATES = 50
const LARGE = 60

/** The state that a summary follows from. */
const TYPES: ReadonlySet<string> = new Set(['m.room.member', 'm.room.name', 'm.room.canonical_alias'])

interface Facts {
  readonly joined: number
  readonly invited: number
  /** All who have a membership of any kind. */
  readonly members: number
  /** Members to call a room by that has no name; one more than are told, since nobody is told themselves. */
  readonly heroes: readonly string[] | undefined
}

/** How many are in rooms, and by whom rooms without a name are called. Counted once after each change, for everybody. */
export class RoomSummaries {
  readonly #read: RoomReaders
  readonly #views: StateViews
  readonly #known = boundedCache<number, Promise<Facts>>('room_summaries')

  constructor(parts: { read: RoomReaders; views: StateViews }) {
    this.#read = parts.read
    this.#views = parts.views
  }

  /** Whether a change of such state changes summaries. */
  static isTouchedBy(type: string): boolean {
    return TYPES.has(type)
  }

  /** A room's state has changed. */
  forget(roomNid: number): void {
    this.#known.delete(roomNid)
  }

  /** Whether the room has so many members that reading them all takes a while. */
  async isLarge(roomNid: number): Promise<boolean> {
    return (await this.#facts(roomNid)).members > LARGE
  }

  /** The members whose names make the room's name for this user; none if it has one of its own. */
  async heroes(roomNid: number, userId: string): Promise<string[]> {
    const { heroes = [] } = await this.#facts(roomNid)
    return heroes.filter(hero => hero !== userId).slice(0, HEROES)
  }

  /** The `summary` of a room for a user, as JSON text. */
  async text(roomNid: number, userId: string): Promise<string> {
    const { joined, invited, heroes } = await this.#facts(roomNid)
    const named = heroes && { 'm.heroes': heroes.filter(hero => hero !== userId).slice(0, HEROES) }
    return JSON.stringify({ 'm.joined_member_count': joined, 'm.invited_member_count': invited, ...named })
  }

  /** Counts rooms that are to be told next at once: each by itself would be a round by way of another thread. */
  async prepare(roomNids: readonly number[]): Promise<void> {
    const unknown = roomNids.filter(nid => !this.#known.has(nid))
    if (unknown.length === 0) return
    const counts = this.#read.memberships.countsOf(unknown)
    for (const roomNid of unknown) this.#keep(roomNid, counts)
    await counts
  }

  #facts(roomNid: number): Promise<Facts> {
    return this.#known.get(roomNid) ?? this.#keep(roomNid, this.#read.memberships.countsOf([roomNid]))
  }

  #keep(roomNid: number, counts: Promise<ReadonlyMap<number, MembershipCounts>>): Promise<Facts> {
    const made = this.#count(roomNid, counts)
    this.#known.set(roomNid, made)
    made.catch(() => this.forget(roomNid))
    return made
  }

  async #count(roomNid: number, reading: Promise<ReadonlyMap<number, MembershipCounts>>): Promise<Facts> {
    const [all, isNamed] = await Promise.all([reading, this.#isNamed(roomNid)])
    const counts = all.get(roomNid) ?? {}
    const { join: joined = 0, invite: invited = 0 } = counts
    const present = isNamed ? undefined : await this.#first(roomNid, ['join', 'invite'])
    // "When no joined or invited members are available, this should consist of the banned and left users."
    const heroes =
      present !== undefined && joined + invited < 2
        ? [...present, ...(await this.#first(roomNid, ['leave', 'ban']))]
        : present
    const members = Object.values(counts).reduce((sum, count) => sum + count, 0)
    return { joined, invited, members, heroes }
  }

  /**
   * The first members of these kinds whom clients can be told of. Who may invite in a room of another server may make anything a member of
   * it, and clients that take nothing but user IDs could read no response with another.
   */
  async #first(roomNid: number, kinds: readonly Membership[]): Promise<string[]> {
    const found = await this.#read.memberships.first(roomNid, kinds, CANDIDATES)
    return found.filter(isCompliantUserId).slice(0, HEROES + 1)
  }

  /** Whether what a room was called by has been redacted in a span: its state has not changed by that. */
  async isNameRedacted(roomNid: number, { after, upTo }: { after: number; upTo: number }): Promise<boolean> {
    const { events } = this.#read
    const named = await events.byNids((await this.#views.names(roomNid)).map(({ nid }) => nid))
    const redactions = await events.byNids(named.flatMap(({ redactedBy }) => redactedBy ?? []))
    return redactions.some(({ position = 0 }) => position > after && position <= upTo)
  }

  /** "Required if the room's `m.room.name` or `m.room.canonical_alias` state events are unset or empty." */
  async #isNamed(roomNid: number): Promise<boolean> {
    const entries = await this.#views.names(roomNid)
    const events = await this.#read.events.byNids(entries.map(({ nid }) => nid))
    return events.some(({ event: { type, content }, redactedBy }) => {
      const name = content[type === 'm.room.name' ? 'name' : 'alias']
      // What is no name or no alias is not shown by any client.
      if (redactedBy !== undefined || typeof name !== 'string' || name === '') return false
      return type === 'm.room.name' || isRoomAlias(name)
    })
  }
}
