import { endpoint, reply } from '../../http/endpoint.ts'

export const getEventAuth = endpoint('getEventAuth', async ({ origin, path, limit }, { federation }) =>
  reply({
    body: await federation.history.eventAuth(origin, path.roomId, path.eventId, units =>
      limit('federation-state', units),
    ),
  }),
)
