import { endpoint, reply } from '../../http/endpoint.ts'
import { pageBody, pageRequest } from '../room-pages.ts'

export const getRoomEvents = endpoint('getRoomEvents', async ({ requester, path, query }, { roomHistory }) =>
  reply({ body: pageBody(await roomHistory.messages(requester, path.roomId, pageRequest(query))) }),
)
