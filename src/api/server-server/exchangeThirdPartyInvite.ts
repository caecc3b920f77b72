import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'

/** Turns an invitation to an address into one to the user who has proved to own it. */
export const exchangeThirdPartyInvite = endpoint(
  'exchangeThirdPartyInvite',
  async ({ origin, path, body }, { federation, memberships }) => {
    const { sender, state_key: mxid, content } = body
    const fits = body.type === 'm.room.member' && content.membership === 'invite'
    if (!fits || body.room_id !== path.roomId) {
      throw new MatrixError('M_INVALID_PARAM', 'This is not an invitation to the room in the path')
    }
    const { display_name: displayName, signed } = content.third_party_invite
    const invite = { mxid, sender, roomId: path.roomId, signed, displayName }
    await federation.thirdPartyInvites.exchange(origin, invite, memberships)
    return {}
  },
)
