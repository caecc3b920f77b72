import { endpoint } from '../../http/endpoint.ts'
import { directoryFilter } from '../../services/discovery/public-rooms.ts'

export const queryPublicRooms = endpoint('queryPublicRooms', async ({ query, body }, { publicRooms }) =>
  publicRooms.list(
    {
      limit: body.limit,
      since: body.since,
      ...directoryFilter(body.filter),
      network: body.third_party_instance_id,
      allNetworks: body.include_all_networks,
    },
    query.server,
  ),
)
