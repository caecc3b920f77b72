import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import type { MembershipRow } from '../../storage/rooms/memberships.ts'
import type { RecountingStream, SentRoom } from './sent-room.ts'

/** A joined room's place in the list. */
export interface Activity {
  readonly roomId: string
  /** Of its newest event. */
  readonly position: number
  /** Where something of it changed last, as far as the connection has looked. */
  readonly touched: number
  /** What lists are filtered by, once that was read: when something changes in the room, there is a new activity without it. */
  kind?: RoomKind
}

/** What a room is, as lists are filtered by it. */
export interface RoomKind {
  readonly roomType: string | null
  readonly isEncrypted: boolean
}

/** A room that the user has left, or was made to leave. */
export interface LeftRoom {
  readonly row: MembershipRow
  /** Somebody else has put them out of it. */
  readonly isShownUnasked: boolean
}

/** An invitation, or a knock, that is over, or a room that was removed: of a room of which nothing else is known here. */
export interface EndedRoom {
  readonly roomId: string
  readonly membership: 'leave' | 'ban'
  /** The member event by which it ended, as JSON text. */
  readonly text: string
  /** What connections may have been told of it before; `undefined`: nothing. */
  readonly after: readonly (SentRoom['kind'] | undefined)[]
  readonly strippedState: InvitationRow['strippedState']
  readonly order: number
}

/** What is known of a user's rooms between two requests, so that it is not read again. */
export interface KnownRooms {
  /** Joined rooms by nid. */
  readonly activity: Map<number, Activity>
  left: readonly LeftRoom[]
  invitations: readonly InvitationRow[]
  /** Rooms that have ended for the user without an event that is stored. */
  ended: readonly EndedRoom[]
  /** Whether they were read at all. */
  isRead: boolean
  /**
   * Up to where this was brought, in the streams of events and of invitations. Another process may have answered the client since, and told it
   * of no room.
   */
  upTo: { readonly events: number; readonly invites: number } | undefined
  /** By which position counts had changed, by room ID; up to where the connection has looked. */
  readonly recounts: Readonly<Record<RecountingStream, { readonly rooms: Map<string, number>; at?: number }>>
}
