import { endpoint } from '../../http/endpoint.ts'

export const federationGetRoomState = endpoint(
  'federationGetRoomState',
  ({ origin, path, query }, { federation }) => federation.history.state(origin, path.roomId, query.event_id),
)
