import { endpoint } from '../../http/endpoint.ts'
import { pretendedEvent } from '../pretended.ts'

export const redactEvent = endpoint(
  'redactEvent',
  async ({ requester, path, body }, { sending }) => {
    const { eventId } = await sending.redaction(requester, {
      roomId: path.roomId,
      redacts: path.eventId,
      txnId: path.txnId,
      reason: body?.reason,
      withRelTypes: body?.with_rel_types ?? body?.['org.matrix.msc3912.with_relations'],
    })
    return { event_id: eventId }
  },
  {
    pretend: ({ requester, path }) => pretendedEvent(requester, path.roomId, path.eventId, path.txnId),
  },
)
