import { endpoint } from '../../http/endpoint.ts'

export const joinRoom = endpoint(
  'joinRoom',
  async ({ requester, path, query, body }, { directory, memberships }) => {
    const { roomId, servers } = await directory.roomOf(path.roomIdOrAlias)
    const via = [...(query.via ?? []), ...(query.server_name ?? []), ...servers]
    await memberships.join({ userId: requester.userId, roomId, via, reason: body?.reason })
    return { room_id: roomId }
  },
)
