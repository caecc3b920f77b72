import { endpoint, reply } from '../../http/endpoint.ts'
import { pageBody, pageRequest } from '../room-pages.ts'

export const adminGetRoomMessages = endpoint(
  'adminGetRoomMessages',
  async ({ requester, path, query }, { administration }) => {
    const page = await administration.roomHistory.messages(requester, path.roomId, pageRequest(query))
    return reply({ body: pageBody(page) })
  },
)
