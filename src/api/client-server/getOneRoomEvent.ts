import { endpoint, reply } from '../../http/endpoint.ts'

export const getOneRoomEvent = endpoint('getOneRoomEvent', async ({ requester, path }, { roomReading }) =>
  reply({ body: await roomReading.event(requester, path.roomId, path.eventId) }),
)
