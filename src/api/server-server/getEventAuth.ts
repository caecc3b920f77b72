import { endpoint, reply } from '../../http/endpoint.ts'

export const getEventAuth = endpoint('getEventAuth', async ({ origin, path }, { federation }) =>
  reply({ body: await federation.history.eventAuth(origin, path.roomId, path.eventId) }),
)
