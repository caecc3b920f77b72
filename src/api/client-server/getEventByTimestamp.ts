import { endpoint } from '../../http/endpoint.ts'

export const getEventByTimestamp = endpoint(
  'getEventByTimestamp',
  async ({ requester, path, query }, { eventByTimestamp }) => {
    const { eventId, originServerTs } = await eventByTimestamp.find(
      requester.userId,
      path.roomId,
      query.ts,
      query.dir,
    )
    return { event_id: eventId, origin_server_ts: originServerTs }
  },
)
