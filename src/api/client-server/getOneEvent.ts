import { endpoint, reply } from '../../http/endpoint.ts'

export const getOneEvent = endpoint('getOneEvent', async ({ requester, path }, { roomReading }) =>
  reply({ body: await roomReading.eventAnywhere(requester, path.eventId) }),
)
