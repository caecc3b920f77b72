import { endpoint } from '../../http/endpoint.ts'

export const getRoomIdByAlias = endpoint('getRoomIdByAlias', async ({ path }, { directory }) => {
  const { roomId, servers } = await directory.resolve(path.roomAlias)
  return { room_id: roomId, servers }
})
