import { endpoint, reply } from '../../http/endpoint.ts'

export const federationGetRoomState = endpoint(
  'federationGetRoomState',
  async ({ origin, path, query, limit }, { federation }) =>
    reply({
      body: await federation.history.state(origin, path.roomId, query.event_id, units =>
        limit('federation-state', units),
      ),
    }),
)
