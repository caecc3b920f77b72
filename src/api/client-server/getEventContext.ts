import { endpoint, reply } from '../../http/endpoint.ts'
import { roomEventFilterOf } from '../../services/rooms/query-filter.ts'

export const getEventContext = endpoint(
  'getEventContext',
  async ({ requester, path, query }, { roomHistory, roomReading }) => {
    const center = await roomReading.visibleEvent(requester, path.roomId, path.eventId)
    const context = await roomHistory.around(requester, path.roomId, center, {
      limit: query.limit,
      filter: roomEventFilterOf(query.filter),
    })
    const { start, end, before, event, after, state } = context
    return reply({
      body: `{"start":"${start}","end":"${end}","events_before":[${before.join(',')}],"event":${event},"events_after":[${after.join(',')}],"state":[${state.join(',')}]}`,
    })
  },
)
