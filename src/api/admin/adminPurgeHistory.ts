import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'

export const adminPurgeHistory = endpoint('adminPurgeHistory', async ({ path, body }, { administration }) => {
  const { historyPurge, tasks } = administration
  const eventId = path.eventId === '' ? body.purge_up_to_event_id : path.eventId
  const { purge_up_to_ts: ts, delete_local_events: deletesOwn = false } = body
  const end = eventId !== undefined ? { eventId } : ts !== undefined ? { ts } : undefined
  if (end === undefined)
    throw new MatrixError('M_BAD_JSON', 'purge_up_to_event_id or purge_up_to_ts has to be given')
  return { purge_id: await historyPurge.schedule(tasks, path.roomId, end, !deletesOwn) }
})
