import { endpoint, reply } from '../../http/endpoint.ts'
import { WHOLE_SYNC } from '../whole-sync.ts'

export const simplifiedSlidingSync = endpoint(
  'simplifiedSlidingSync',
  async ({ requester, query, body, request, limit }, services) => {
    if (query.pos === undefined) limit('sync', WHOLE_SYNC - 1)
    const ended = services.presence.syncing(requester, query.set_presence)
    try {
      const asked = { body: body ?? {}, pos: query.pos, timeoutMs: query.timeout ?? 0 }
      return reply({ body: await services.slidingSync.simplified(requester, asked, request.departure) })
    } finally {
      ended()
    }
  },
)
