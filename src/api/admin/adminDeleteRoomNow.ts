import { endpoint } from '../../http/endpoint.ts'
import { deletionOf } from '../administered-rooms.ts'

export const adminDeleteRoomNow = endpoint(
  'adminDeleteRoomNow',
  async ({ requester, path, body }, services) => {
    const order = await deletionOf(body, services)
    const { deletion, tasks } = services.administration
    return deletion.run(tasks, requester.userId, path.roomId, order)
  },
)
