import { endpoint, reply } from '../../http/endpoint.ts'
import { roomEventFilterOf } from '../../services/rooms/query-filter.ts'

export const getRoomEvents = endpoint(
  'getRoomEvents',
  async ({ requester, path, query }, { roomHistory }) => {
    const page = await roomHistory.messages(requester, path.roomId, {
      direction: query.dir,
      from: query.from,
      to: query.to,
      limit: query.limit,
      filter: roomEventFilterOf(query.filter),
    })
    const end = page.end === undefined ? '' : `"end":"${page.end}",`
    const state = page.state.length === 0 ? '' : `"state":[${page.state.join(',')}],`
    return reply({ body: `{"start":"${page.start}",${end}${state}"chunk":[${page.chunk.join(',')}]}` })
  },
)
