import { endpoint } from '../../http/endpoint.ts'

export const joinRoom = endpoint(
  'joinRoom',
  async ({ requester: { userId }, path, query, body }, { directory, federation, memberships }) => {
    const { roomId, servers } = await directory.roomOf(path.roomIdOrAlias)
    const signed = body?.third_party_signed
    if (signed !== undefined) await federation.thirdPartyInvites.shown(userId, roomId, signed, memberships)
    const via = [...(query.via ?? []), ...(query.server_name ?? []), ...servers]
    await memberships.join({ userId, roomId, via, reason: body?.reason })
    return { room_id: roomId }
  },
)
