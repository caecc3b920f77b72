import { endpoint } from '../../http/endpoint.ts'

export const joinRoomById = endpoint('joinRoomById', async ({ requester, path, body }, { memberships }) => {
  await memberships.join({ userId: requester.userId, roomId: path.roomId, reason: body?.reason })
  return { room_id: path.roomId }
})
