import { randomUUID } from 'node:crypto'
import { endpoint } from '../../http/endpoint.ts'
import { pretendedEvent } from '../pretended.ts'

export const redactEventOnce = endpoint(
  'redactEventOnce',
  async ({ requester, path, body }, { sending }) => {
    const { eventId } = await sending.redaction(requester, {
      ...{ roomId: path.roomId, redacts: path.eventId, txnId: randomUUID() },
      reason: body?.reason,
    })
    return { event_id: eventId }
  },
  { pretend: ({ requester, path }) => pretendedEvent(requester, path.roomId, path.eventId, randomUUID()) },
)
