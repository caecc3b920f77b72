import { endpoint } from '../../http/endpoint.ts'
import { heardReason } from '../pretended.ts'

export const knockRoom = endpoint(
  'knockRoom',
  async ({ requester, path, query, body }, { directory, memberships }) => {
    const { roomId, servers } = await directory.roomOf(path.roomIdOrAlias)
    const via = [...(query.via ?? []), ...(query.server_name ?? []), ...servers]
    const reason = heardReason(requester, body.reason)
    await memberships.knock({ userId: requester.userId, roomId, via, reason })
    return { room_id: roomId }
  },
)
