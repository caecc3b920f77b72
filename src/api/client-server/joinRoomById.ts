import { endpoint } from '../../http/endpoint.ts'

export const joinRoomById = endpoint(
  'joinRoomById',
  async ({ requester: { userId }, path: { roomId }, body }, { federation, memberships }) => {
    const signed = body?.third_party_signed
    if (signed !== undefined) await federation.thirdPartyInvites.shown(userId, roomId, signed, memberships)
    await memberships.join({ userId, roomId, reason: body?.reason })
    return { room_id: roomId }
  },
)
