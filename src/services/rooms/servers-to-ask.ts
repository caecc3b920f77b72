import { serverNameOf } from '../../core/ids.ts'
import type { OwnChange } from './membership-content.ts'
import type { RoomsContext } from './rooms-context.ts'

/** The servers that may let a user into a room of elsewhere: those named, the inviter's, the room ID's own. */
export const serversToAsk = async (context: RoomsContext, change: OwnChange): Promise<string[]> => {
  const { userId, roomId, via = [] } = change
  const invitation = await context.read.invitations.one(userId, roomId)
  const inviters = invitation === undefined ? [] : [serverNameOf(invitation.sender)]
  const named = new Set([...via, ...inviters, serverNameOf(roomId)])
  return [...named].filter(server => server !== '' && server !== context.serverName)
}
