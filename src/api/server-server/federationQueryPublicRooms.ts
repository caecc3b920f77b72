import { endpoint } from '../../http/endpoint.ts'
import { directoryFilter } from '../../services/discovery/public-rooms.ts'

export const federationQueryPublicRooms = endpoint(
  'federationQueryPublicRooms',
  async ({ body }, { publicRooms }) =>
    publicRooms.forServer({
      limit: body.limit,
      since: body.since,
      ...directoryFilter(body.filter),
      network: body.third_party_instance_id,
      allNetworks: body.include_all_networks,
    }),
)
