import { endpoint } from '../../http/endpoint.ts'
import { heardReason } from '../pretended.ts'

export const joinRoom = endpoint(
  'joinRoom',
  async ({ requester, path, query, body }, { directory, federation, memberships }) => {
    const { userId } = requester
    const { roomId, servers } = await directory.roomOf(path.roomIdOrAlias)
    const signed = body?.third_party_signed
    if (signed !== undefined) await federation.thirdPartyInvites.shown(userId, roomId, signed, memberships)
    const via = [...(query.via ?? []), ...(query.server_name ?? []), ...servers]
    await memberships.join({ userId, roomId, via, reason: heardReason(requester, body?.reason) })
    return { room_id: roomId }
  },
)
