import { endpoint } from '../../http/endpoint.ts'
import { deletionOf } from '../administered-rooms.ts'

export const adminDeleteRoom = endpoint('adminDeleteRoom', async ({ requester, path, body }, services) => {
  const order = await deletionOf(body, services)
  const { deletion, tasks } = services.administration
  return { delete_id: await deletion.schedule(tasks, requester.userId, path.roomId, order) }
})
