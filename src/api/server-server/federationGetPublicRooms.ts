import { endpoint } from '../../http/endpoint.ts'

export const federationGetPublicRooms = endpoint(
  'federationGetPublicRooms',
  async ({ query }, { publicRooms }) =>
    publicRooms.forServer({
      limit: query.limit,
      since: query.since,
      network: query.third_party_instance_id,
      allNetworks: query.include_all_networks,
    }),
)
