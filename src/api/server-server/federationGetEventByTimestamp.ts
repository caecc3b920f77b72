import { endpoint } from '../../http/endpoint.ts'

export const federationGetEventByTimestamp = endpoint(
  'federationGetEventByTimestamp',
  async ({ origin, path, query }, { federation }) => {
    const { eventId, originServerTs } = await federation.eventsByTime.nearest(origin, path.roomId, query)
    return { event_id: eventId, origin_server_ts: originServerTs }
  },
)
