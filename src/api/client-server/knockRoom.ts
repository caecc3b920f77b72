import { endpoint } from '../../http/endpoint.ts'

export const knockRoom = endpoint(
  'knockRoom',
  async ({ requester, path, query, body }, { directory, memberships }) => {
    const { roomId, servers } = await directory.roomOf(path.roomIdOrAlias)
    const via = [...(query.via ?? []), ...(query.server_name ?? []), ...servers]
    await memberships.knock({ userId: requester.userId, roomId, via, reason: body.reason })
    return { room_id: roomId }
  },
)
