import { endpoint, reply } from '../../http/endpoint.ts'
import { relationsBody } from '../relations-body.ts'

export const getRelatingEvents = endpoint(
  'getRelatingEvents',
  async ({ requester, path, query }, { roomRelations }) => {
    const page = await roomRelations.relations(requester, path.roomId, path.eventId, {
      direction: query.dir ?? 'b',
      from: query.from,
      to: query.to,
      limit: query.limit,
      recurse: query.recurse,
    })
    return reply({ body: relationsBody(page) })
  },
)
