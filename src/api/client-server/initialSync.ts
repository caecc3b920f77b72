import { endpoint, reply } from '../../http/endpoint.ts'
import { WHOLE_SYNC } from '../whole-sync.ts'

export const initialSync = endpoint('initialSync', async ({ requester, query, limit }, { roomSnapshots }) => {
  limit('sync', WHOLE_SYNC - 1)
  const body = await roomSnapshots.all(requester, { limit: query.limit, archived: query.archived === true })
  return reply({ body })
})
