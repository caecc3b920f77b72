import { endpoint } from '../../http/endpoint.ts'
import { heardReason } from '../pretended.ts'

export const joinRoomById = endpoint(
  'joinRoomById',
  async ({ requester, path: { roomId }, body }, { federation, memberships }) => {
    const { userId } = requester
    const signed = body?.third_party_signed
    if (signed !== undefined) await federation.thirdPartyInvites.shown(userId, roomId, signed, memberships)
    await memberships.join({ userId, roomId, reason: heardReason(requester, body?.reason) })
    return { room_id: roomId }
  },
)
