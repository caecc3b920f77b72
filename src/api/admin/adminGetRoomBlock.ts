import { endpoint } from '../../http/endpoint.ts'
import { checkRoomId } from '../administered-rooms.ts'

export const adminGetRoomBlock = endpoint('adminGetRoomBlock', async ({ path }, { administration }) => {
  checkRoomId(path.roomId)
  const { isBlocked, by } = await administration.blockedRooms.status(path.roomId)
  return { block: isBlocked, ...(by === undefined ? {} : { user_id: by }) }
})
