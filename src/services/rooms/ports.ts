import type { RoomEvent } from '../../core/event/event.ts'
import type { JsonObject } from '../../core/json.ts'
import type { ToldFacts } from '../../core/room-record.ts'

/** A user's profile as member events carry it: `displayname` and `avatar_url`, each only if set. */
export type MemberProfile = (userId: string) => Promise<JsonObject>

/** Somebody is about to be invited, by or as a local user; throws `MatrixError` where that may not be. */
export type InvitationCheck = (invitation: {
  readonly sender: string
  readonly userId: string
  readonly roomId: string
}) => Promise<void>

/** A local user's join of a room. */
export interface JoinWish {
  readonly userId: string
  readonly roomId: string
  /** Servers that may help if this server is not in the room. */
  readonly via?: readonly string[]
}

/** A local user is about to join a room, or has just come in through another server; throws `MatrixError` where that may not be. */
export type JoinCheck = (join: JoinWish) => Promise<void>

/** A local user is about to leave a room or to decline its invitation; throws `MatrixError` where that may not be. */
export type LeaveCheck = (leave: { readonly userId: string; readonly roomId: string }) => Promise<void>

/** A membership change in a room that this server is not in, made through one of the servers that are. */
export interface RemoteRequest {
  readonly userId: string
  readonly roomId: string
  /** Servers to try, in order. */
  readonly via: readonly string[]
  /** Content of the member event beside `membership`. */
  readonly content: JsonObject
}

/** What memberships need from federation. Everything throws `MatrixError` for the client. */
export interface RemoteMemberships {
  /** Joins through make_join and send_join, and stores the room. */
  join(request: RemoteRequest): Promise<void>
  /** Leaves a room, or declines its invitation, through make_leave and send_leave; answers the event that says so. */
  leave(request: RemoteRequest): Promise<RoomEvent>
  /** Asks to be let in, through make_knock and send_knock. */
  knock(request: RemoteRequest): Promise<void>
  /** Hands an invitation to the invited user's server; answers the event with that server's signature. */
  invite(invitation: {
    readonly event: RoomEvent
    readonly destination: string
    readonly strippedState: readonly JsonObject[]
    /** What no state event tells of the room. */
    readonly facts: ToldFacts
  }): Promise<RoomEvent>
}

/**
 * Asks a policy server about an event; answers the event with its signature added, which is not verified yet.
 * Throws `MatrixError`, as a client that sends the event is to see it.
 */
export type AskPolicyServer = (event: RoomEvent, server: string) => Promise<RoomEvent>
