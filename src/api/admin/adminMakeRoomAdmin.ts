import { endpoint } from '../../http/endpoint.ts'
import { roomNamed } from '../administered-rooms.ts'

export const adminMakeRoomAdmin = endpoint(
  'adminMakeRoomAdmin',
  async ({ requester, path, body }, services) => {
    const { roomId } = await roomNamed(path.roomIdOrAlias, services)
    await services.administration.authority.promote(body.user_id ?? requester.userId, roomId)
    return {}
  },
)
