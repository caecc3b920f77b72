import { MatrixError } from '../../core/errors.ts'
import { serverNameOf } from '../../core/ids.ts'
import { endpoint } from '../../http/endpoint.ts'

/**
 * Turns an invitation to an address into one to the user who has proved to own it: sent in the name of our user who
 * has invited the address. That it is for this user is held against the room's keys by the rules of the room.
 */
export const exchangeThirdPartyInvite = endpoint(
  'exchangeThirdPartyInvite',
  async ({ origin, path, body }, { federation, memberships, roomSettings }) => {
    const { sender, state_key: userId, content } = body
    const fits = body.type === 'm.room.member' && content.membership === 'invite'
    if (!fits || body.room_id !== path.roomId) {
      throw new MatrixError('M_INVALID_PARAM', 'This is not an invitation to the room in the path')
    }
    if (serverNameOf(userId) !== origin || serverNameOf(sender) !== roomSettings.serverName) {
      throw new MatrixError(
        'M_FORBIDDEN',
        'The server of the invited user asks that of the one who has invited',
      )
    }
    await federation.gate.resident(origin, path.roomId)
    // Nothing else of the content: it is another server's, and will be in our user's name.
    const { display_name, signed } = content.third_party_invite
    await memberships.invite({
      sender,
      userId,
      roomId: path.roomId,
      content: { third_party_invite: { display_name, signed } },
    })
    return {}
  },
)
