import { endpoint, reply } from '../../http/endpoint.ts'

export const roomInitialSync = endpoint('roomInitialSync', async ({ requester, path }, { roomSnapshots }) =>
  reply({ body: await roomSnapshots.room(requester, path.roomId) }),
)
