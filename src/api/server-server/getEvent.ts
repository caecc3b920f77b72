import { endpoint } from '../../http/endpoint.ts'

export const getEvent = endpoint('getEvent', ({ origin, path }, { federation }) =>
  federation.history.event(origin, path.eventId),
)
