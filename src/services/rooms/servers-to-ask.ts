import { serverNameOf } from '../../core/ids.ts'
import { type OwnChange, othersIn } from './membership-content.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './rooms-context.ts'

/**
 * The servers that may let a user into a room of elsewhere: those named, the inviter's, the room ID's own, and those that were
 * in the room when this server last knew of it: a room ID of version 12 names none.
 */
export const serversToAsk = async (
  context: RoomsContext,
  change: OwnChange,
  head: RoomHead | undefined,
): Promise<string[]> => {
  const { userId, roomId, via = [] } = change
  const invitation = await context.read.invitations.one(userId, roomId)
  const inviters = invitation === undefined ? [] : [serverNameOf(invitation.sender)]
  const remembered = head === undefined ? [] : othersIn(head, context.serverName)
  const named = new Set([...via, ...inviters, serverNameOf(roomId), ...remembered])
  return [...named].filter(server => server !== '' && server !== context.serverName)
}
