import { endpoint } from '../../http/endpoint.ts'
import { checkRoomId } from '../administered-rooms.ts'

export const adminSetRoomBlock = endpoint(
  'adminSetRoomBlock',
  async ({ requester, path, body }, { administration }) => {
    checkRoomId(path.roomId)
    const { blockedRooms } = administration
    if (body.block) await blockedRooms.block(path.roomId, requester.userId)
    else await blockedRooms.unblock(path.roomId)
    return { block: body.block }
  },
)
