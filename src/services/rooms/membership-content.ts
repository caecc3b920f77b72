import { serverNameOf } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { EventTemplate } from './local-event.ts'
import type { RoomHead } from './room-head.ts'

/** Somebody changes their own membership. */
export interface OwnChange {
  readonly userId: string
  readonly roomId: string
  readonly reason?: string | undefined
  /** Servers that may help if this server is not in the room. */
  readonly via?: readonly string[]
  /** Further content of the member event (`chat.tessera.…`, `third_party_invite`). */
  readonly content?: JsonObject
}

/** Somebody changes somebody else's membership. */
export interface ChangeOfOther {
  readonly sender: string
  readonly userId: string
  readonly roomId: string
  readonly reason?: string | undefined
  readonly content?: JsonObject
}

/** The content of a member event beside `membership`: what was asked for, with the reason. */
export const withReason = ({
  reason,
  content = {},
}: {
  readonly reason?: string | undefined
  readonly content?: JsonObject
}): JsonObject => ({
  ...content,
  ...(reason === undefined ? {} : { reason }),
})

/** The other servers in a room. */
export const othersIn = (head: RoomHead, serverName: string): string[] =>
  head.joinedHosts().filter(host => host !== serverName)

/** Whether somebody joins: what may be sent into a room that everybody has left ("the user is free to re-join if the room is not invite-only"). */
export const isOwnJoin = ({ type, sender, stateKey, content }: EventTemplate): boolean =>
  type === 'm.room.member' && stateKey === sender && content['membership'] === 'join'

/** Whether somebody leaves, declines an invitation or takes back a knock. */
export const isOwnLeave = ({
  type,
  sender,
  stateKey,
  content,
}: Pick<EventTemplate, 'type' | 'sender' | 'stateKey' | 'content'>): boolean =>
  type === 'm.room.member' && stateKey === sender && content['membership'] === 'leave'

/**
 * Whether everybody has left a room in which nobody of another server ever was: then all of it is here. A room of another
 * server's may be known without its members (partial joins), so that it has to be one of ours; and one of ours, where we came back
 * into it through others and left it before we knew them.
 */
export const isDeserted = (
  head: Pick<RoomHead, 'joinedHosts' | 'memberships' | 'wasPartial'> & {
    readonly room: { readonly creator: string }
  },
  serverName: string,
): boolean =>
  !head.wasPartial &&
  head.joinedHosts().length === 0 &&
  [head.room.creator, ...head.memberships.keys()].every(id => serverNameOf(id) === serverName)
