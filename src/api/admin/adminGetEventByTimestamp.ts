import { endpoint } from '../../http/endpoint.ts'

export const adminGetEventByTimestamp = endpoint(
  'adminGetEventByTimestamp',
  async ({ requester, path, query }, { administration }) => {
    const { eventByTimestamp } = administration
    const found = await eventByTimestamp.find(requester.userId, path.roomId, query.ts, query.dir)
    return { event_id: found.eventId, origin_server_ts: found.originServerTs }
  },
)
