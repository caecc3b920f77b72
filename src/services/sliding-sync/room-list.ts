import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import type { MembershipRow } from '../../storage/rooms/memberships.ts'
import type { SyncReader } from '../../storage/rooms/sync-reader.ts'
import type { Sights } from '../rooms/room-sight.ts'
import type { PartialSpans } from '../sync/partial-spans.ts'
import type { RoomsNow } from '../sync/rooms-now.ts'
import type { Connection } from './connection.ts'
import { endedRooms } from './ended-rooms.ts'
import type { Activity, EndedRoom, LeftRoom } from './known-rooms.ts'

/** A room in the list of a user's rooms. */
export interface JoinedPlace {
  readonly kind: 'joined'
  readonly roomId: string
  readonly roomNid: number
  readonly joinedAt: number
  readonly order: number
  readonly touched: number
  readonly activity: Activity
}

export interface LeftPlace {
  readonly kind: 'left'
  readonly roomId: string
  readonly roomNid: number
  readonly row: MembershipRow
  readonly order: number
  /** Whether it belongs into lists; it can always be subscribed to. */
  readonly isListed: boolean
}

export interface InvitedPlace {
  readonly kind: 'invited'
  readonly roomId: string
  readonly invitation: InvitationRow
  readonly order: number
}

export interface EndedPlace extends EndedRoom {
  readonly kind: 'ended'
}

export type Place = JoinedPlace | LeftPlace | InvitedPlace | EndedPlace

const MAX_LEFT = 500
const MAX_INVITATIONS = 200

/** Keeps the list of a user's rooms for a connection: "sorted by recent activity". */
export class RoomList {
  readonly #read: RoomReaders
  readonly #sync: SyncReader
  readonly #sights: Sights
  readonly #partial: Pick<PartialSpans, 'completedAt'>

  constructor(parts: {
    read: RoomReaders
    sync: SyncReader
    sights: Sights
    partial: Pick<PartialSpans, 'completedAt'>
  }) {
    this.#partial = parts.partial
    this.#read = parts.read
    this.#sync = parts.sync
    this.#sights = parts.sights
  }

  /**
   * Brings what the connection knows up to the moment of a look; reads only what has changed since.
   * @param invitations where that stream stands; `undefined`: nothing has changed there
   */
  async refresh(
    connection: Connection,
    userId: string,
    now: RoomsNow,
    invitations: number | undefined,
  ): Promise<void> {
    const { known } = connection
    const isFirst = connection.positions.events === undefined
    const isUnread = !known.isRead
    const joined = await this.#joined(userId, now)
    for (const nid of known.activity.keys()) if (!joined.has(nid)) known.activity.delete(nid)
    const stale = [...joined].filter(nid => now.rooms.has(nid) || !known.activity.has(nid))
    for (const { roomNid, roomId, position } of await this.#sync.newest(stale, now.upTo)) {
      const completedAt = this.#partial.completedAt(roomNid, now.upTo) ?? 0
      const isNews = now.isExact && !isFirst && now.rooms.has(roomNid)
      const touched = isNews ? now.upTo : Math.max(position, completedAt)
      known.activity.set(roomNid, { roomId, position, touched })
    }
    if (isUnread || now.hasMoved) known.left = await this.#left(connection, userId)
    if (isUnread || invitations !== undefined) {
      const upTo = invitations ?? Number.MAX_SAFE_INTEGER
      known.invitations = await this.#read.invitations.pending(userId, upTo, MAX_INVITATIONS)
      known.ended = await endedRooms(this.#read, connection, userId)
    }
    known.isRead = true
  }

  /** The rooms that the user is in where the look ends. Who comes in later is not there yet; who has a new name since is. */
  async #joined(userId: string, { joined, upTo }: RoomsNow): Promise<Set<number>> {
    const there = new Set(joined.keys())
    for (const [nid, since] of joined) {
      if (since <= upTo) continue
      const sight = await this.#sights.of(nid, userId)
      if (sight.membershipAt(upTo) !== 'join') there.delete(nid)
    }
    return there
  }

  /** The list, most recent activity first. */
  places(connection: Connection, now: RoomsNow, isHidden: (invitation: InvitationRow) => boolean): Place[] {
    const { activity, left, invitations, ended } = connection.known
    const { doubtfulSince } = connection
    const doubtful = doubtfulSince === undefined ? Number.POSITIVE_INFINITY : (doubtfulSince.events ?? 0)
    const places: Place[] = [...activity].map(([nid, room]) => joinedPlace(nid, room, now))
    const there = new Set(places.map(({ roomId }) => roomId))
    for (const invitation of invitations) {
      const { roomId, eventPosition } = invitation
      if (there.has(roomId) || isHidden(invitation)) continue
      there.add(roomId)
      places.push({ kind: 'invited', roomId, invitation, order: eventPosition })
    }
    for (const { row, isShownUnasked } of left) {
      const { roomId, roomNid, position } = row
      if (there.has(roomId) || position > now.upTo) continue
      const isListed = isShownUnasked || connection.rooms.has(roomId) || position > doubtful
      there.add(roomId)
      places.push({ kind: 'left', roomId, roomNid, row, isListed, order: position })
    }
    for (const room of ended) {
      const { roomId, after } = room
      if (there.has(roomId) || !after.includes(connection.rooms.get(roomId)?.kind)) continue
      // One that was removed, and to which an invitation came after that, has ended twice.
      there.add(roomId)
      places.push({ ...room, kind: 'ended' })
    }
    return places.sort((a, b) => b.order - a.order)
  }

  /**
   * "Rooms that the user has been in but left are only included if the room was previously sent to the client in that connection.
   * Rooms the user has been kicked or banned from will always be included": but for those that they have never been in. A room that was
   * forgotten meanwhile, by another client or an administrator, would stay where it was left if nobody said so.
   */
  async #left({ rooms }: Connection, userId: string): Promise<LeftRoom[]> {
    const all = await this.#read.memberships.ofUser(userId, ['leave', 'ban'])
    const mayBeShown = ({ forgotten, roomId }: MembershipRow): boolean =>
      !forgotten || (rooms.get(roomId)?.kind ?? 'left') !== 'left'
    const newest = all.filter(mayBeShown).sort((a, b) => b.position - a.position)
    const rows = newest.slice(0, MAX_LEFT)
    const events = await this.#read.events.byNids(rows.map(({ eventNid }) => eventNid))
    const byOthers = new Set(events.filter(({ event }) => event.sender !== userId).map(({ nid }) => nid))
    const left: LeftRoom[] = []
    for (const row of rows) {
      const isShownUnasked =
        !row.forgotten &&
        byOthers.has(row.eventNid) &&
        (await this.#sights.of(row.roomNid, userId)).joins.length > 0
      left.push({ row, isShownUnasked })
    }
    return left
  }
}

const joinedPlace = (roomNid: number, activity: Activity, now: RoomsNow): JoinedPlace => ({
  ...{ kind: 'joined', roomNid, activity },
  ...{ roomId: activity.roomId, touched: activity.touched, order: activity.position },
  joinedAt: now.joined.get(roomNid) ?? 0,
})
