import { endpoint, reply } from '../../http/endpoint.ts'
import { roomEventFilterOf } from '../../services/rooms/query-filter.ts'
import { contextBody } from '../room-pages.ts'

export const getEventContext = endpoint(
  'getEventContext',
  async ({ requester, path, query }, { roomHistory, roomReading }) => {
    const center = await roomReading.visibleEvent(requester, path.roomId, path.eventId)
    const filter = roomEventFilterOf(query.filter)
    const around = await roomHistory.around(requester, path.roomId, center, { limit: query.limit, filter })
    return reply({ body: contextBody(around) })
  },
)
