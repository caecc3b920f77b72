import { type RoomEvent, type StateMap, stateMapKey } from '../../core/event/event.ts'
import { serverNameOf } from '../../core/ids.ts'
import { SUMMARY_TYPES } from '../../core/room-summary.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import type { SqlParameter } from '../../storage/database.ts'
import type { AuthNode } from '../../storage/rooms/auth-graph.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Membership } from '../../storage/rooms/memberships.ts'
import type { UnfinishedStay } from '../../storage/rooms/partial-rooms.ts'
import type { Extremity, PurgeBoundary, RoomRow } from '../../storage/rooms/rooms.ts'
import type { StateDelta, StateEntry } from '../../storage/rooms/state-entry.ts'
import type { PartialJoin } from './partial-join.ts'
import { TimeOrder } from './time-order.ts'

/** What authorises an event: the state events that its auth events are chosen from, by `stateMapKey`, and these by event ID. */
export interface Authority {
  readonly state: ReadonlyMap<string, StoredEvent>
  readonly nodes: ReadonlyMap<string, AuthNode>
  /** The IDs of these, which all messages of the sender name. */
  readonly eventIds: readonly string[]
  /** The type of message that its sender was allowed to send last. */
  allowed: string | undefined
}

const IN_SUMMARY: ReadonlySet<string> = new Set(SUMMARY_TYPES)

/**
 * Where a room stands: what the next event builds on. Held in memory for live rooms and moved forward by
 * `RoomWriter` as it submits commits; it may be ahead of the database by what is in flight, and is thrown away when
 * a commit fails.
 */
export class RoomHead {
  readonly room: RoomRow
  readonly version: RoomVersion
  headVersion: number
  /** Raised by every change, so that a failed job can tell whether it has left the head as it was. */
  revision = 0
  /** Settles once everything that was submitted on this head is durable (or has failed). */
  lastCommit: Promise<unknown> = Promise.resolve()
  /** How many commits that were submitted on it have not settled. */
  inFlight = 0
  /** The events among them, by ID: they have a place in the timeline, which is not known yet. */
  readonly unsettled = new Map<string, RoomEvent>()
  /** The nids of those that the job under way has put there, and into the cache of events. */
  drafted: number[] = []
  /** A commit has failed: what it holds may not be so. */
  isDead = false
  /** As how many entries of a state it counts where heads are kept. */
  keptEntries = 0
  readonly timeOrder: TimeOrder
  #extremities: readonly Extremity[]
  /** The current state by `stateMapKey`. */
  readonly state: Map<string, StateEntry>
  /** Every user's membership in the current state. */
  readonly memberships: Map<string, Membership>
  /** What authorises messages, by their senders, as long as no event of the state is another one, or shown otherwise. */
  authorities = new Map<string, Authority>()
  /** The nids of events that are beside the timeline, and were read since this head was. */
  readonly readAnew = new Set<number>()
  /** What the room is shown by (`room_summaries`) has changed and is not in a draft yet. */
  summaryChanged = false
  /** The number of joined members that `room_summaries` has, as of the last draft. */
  summarisedMembers: number
  /** Set while not all members are known: the server joined without being told of them. */
  partial: PartialJoin | undefined
  /** Set where the server ever joined without being told of the members: there were others, whoever is known by now. */
  wasPartial: boolean
  /** Earlier stays that ended before the members were known. */
  #unfinished: readonly UnfinishedStay[]
  /** How far the history was purged, if it was. */
  purged: PurgeBoundary | undefined
  readonly #joinedByHost = new Map<string, number>()
  #joinedMembers = 0

  constructor(
    room: RoomRow,
    version: RoomVersion,
    extremities: readonly Extremity[],
    state: readonly StateEntry[],
    memberships: ReadonlyMap<string, Membership>,
    {
      partial,
      wasPartial = partial !== undefined,
      unfinished = [],
    }: {
      partial?: PartialJoin | undefined
      wasPartial?: boolean
      unfinished?: readonly UnfinishedStay[]
    } = {},
  ) {
    this.room = room
    this.partial = partial
    this.wasPartial = wasPartial
    this.#unfinished = unfinished
    this.purged = room.purged
    this.version = version
    this.headVersion = room.headVersion
    this.timeOrder = new TimeOrder(room.latestTs)
    this.#extremities = extremities
    this.state = new Map(state.map(entry => [stateMapKey(entry.type, entry.stateKey), entry]))
    this.memberships = new Map()
    for (const [userId, membership] of memberships) this.setMembership(userId, membership)
    this.summarisedMembers = this.#joinedMembers
  }

  get extremities(): readonly Extremity[] {
    return this.#extremities
  }

  setExtremities(extremities: readonly Extremity[]): void {
    this.revision += 1
    this.#extremities = extremities
  }

  /** Whether an event that is shown at a position, the last of the timeline, comes in the order of time; it is part of that then. */
  entersInOrder(event: RoomEvent, position: SqlParameter, now: number): boolean {
    if (!this.timeOrder.admits(event, now)) return false
    this.revision += 1
    this.timeOrder.add(event, position)
    return true
  }

  /** One more than the deepest extremity: the depth of an event that builds on all of them. */
  get nextDepth(): number {
    // "The depth … max 2^63-1"; we stay within what JSON can carry exactly.
    const deepest = this.extremities.reduce((max, { depth }) => Math.max(max, depth), 0)
    return Math.min(deepest + 1, Number.MAX_SAFE_INTEGER)
  }

  /** Whether any user of this server is joined; while not all members are known, also as others have told. */
  hasHost(serverName: string): boolean {
    if ((this.#joinedByHost.get(serverName) ?? 0) > 0) return true
    return this.partial?.servers.has(serverName) ?? false
  }

  /** The servers with at least one joined user; while not all members are known, also those of which others have told. */
  joinedHosts(): string[] {
    if (this.partial === undefined) return [...this.#joinedByHost.keys()]
    return [...new Set([...this.#joinedByHost.keys(), ...this.partial.servers])]
  }

  /** Whether a user is joined; while not all members are known, also one of whom nothing is known on such a server. */
  mayBeJoined(userId: string): boolean {
    const membership = this.memberships.get(userId)
    if (membership !== undefined) return membership === 'join'
    return this.partial?.servers.has(serverNameOf(userId)) ?? false
  }

  /** How many users are joined. */
  get joinedMembers(): number {
    return this.#joinedMembers
  }

  entry(type: string, stateKey: string): StateEntry | undefined {
    return this.state.get(stateMapKey(type, stateKey))
  }

  /** The current state as the pure functions of `core` take it. */
  stateMap(): StateMap {
    return stateMapOf(this.state)
  }

  setMembership(userId: string, membership: Membership | undefined): void {
    this.revision += 1
    const host = serverNameOf(userId)
    const before = this.memberships.get(userId)
    if (before === 'join') this.#countJoined(host, -1)
    if (membership === 'join') this.#countJoined(host, 1)
    if (membership === undefined) this.memberships.delete(userId)
    else this.memberships.set(userId, membership)
  }

  /** Applies changes of state points. Member events' memberships are set by the caller. */
  applyState(changes: readonly StateDelta[]): void {
    this.revision += 1
    this.authorities = new Map()
    for (const { type, stateKey, nid, eventId, generation } of changes) {
      const key = stateMapKey(type, stateKey)
      if (stateKey === '' && IN_SUMMARY.has(type)) this.summaryChanged = true
      if (nid === undefined || eventId === undefined) this.state.delete(key)
      else
        this.state.set(key, {
          type,
          stateKey,
          nid,
          eventId,
          ...(generation === undefined ? {} : { generation }),
        })
    }
  }

  /** A stay ended at a position before the members were known. */
  endsUnfinished({ stateAt }: PartialJoin, to: number): void {
    this.#unfinished = [...this.#unfinished, { from: stateAt + 1, to }]
  }

  /** The members of a stay that had ended are asked for after all. */
  reopens(stay: PartialJoin): void {
    this.partial = stay
    this.#unfinished = this.#unfinished.filter(({ from }) => from !== stay.joinedAt)
  }

  /** Whether any state of an earlier stay lacks members for good. */
  get hasUnfinished(): boolean {
    return this.#unfinished.length > 0
  }

  /** Whether the state before an event of the timeline is one of those. */
  lacksMembersBefore({ position }: { readonly position: number | undefined }): boolean {
    return (
      position !== undefined && this.#unfinished.some(({ from, to }) => position >= from && position < to)
    )
  }

  /** Whether an event that is not here, nor all of what is right before it, belongs to the history that was purged. */
  isBeyondPurge({ depth, originServerTs }: RoomEvent): boolean {
    const { purged } = this
    return purged !== undefined && depth <= purged.depth && originServerTs < purged.before
  }

  #countJoined(host: string, by: number): void {
    this.#joinedMembers += by
    const count = (this.#joinedByHost.get(host) ?? 0) + by
    if (count > 0) this.#joinedByHost.set(host, count)
    else this.#joinedByHost.delete(host)
  }
}

/** State entries as `core` takes them: by key, the event IDs. */
export const stateMapOf = (state: ReadonlyMap<string, StateEntry>): StateMap =>
  new Map([...state].map(([key, entry]) => [key, entry.eventId]))

/** The membership that a member event gives its target, `undefined` for anything unknown. */
export const membershipOf = (event: RoomEvent): Membership | undefined => {
  const membership = event.content['membership']
  switch (membership) {
    case 'join':
    case 'invite':
    case 'knock':
    case 'leave':
    case 'ban':
      return membership
    default:
      return undefined
  }
}
