import { endpoint } from '../../http/endpoint.ts'

export const getEventAuth = endpoint('getEventAuth', ({ origin, path }, { federation }) =>
  federation.history.eventAuth(origin, path.roomId, path.eventId),
)
