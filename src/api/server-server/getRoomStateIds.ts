import { endpoint } from '../../http/endpoint.ts'

export const getRoomStateIds = endpoint('getRoomStateIds', ({ origin, path, query, limit }, { federation }) =>
  federation.history.stateIds(origin, path.roomId, query.event_id, units => limit('federation-state', units)),
)
