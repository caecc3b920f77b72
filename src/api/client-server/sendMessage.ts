import { endpoint } from '../../http/endpoint.ts'
import { checkMessageContent } from '../../services/rooms/message-content.ts'
import { massagedTs } from '../massaged-ts.ts'
import { pretendedEvent } from '../pretended.ts'

export const sendMessage = endpoint(
  'sendMessage',
  async ({ requester, path, query, body }, { sending, delayedEvents, presence }) => {
    const { roomId, eventType: type, txnId } = path
    checkMessageContent(type, body)
    const delayMs = query['org.matrix.msc4140.delay']
    const stickyMs = query['org.matrix.msc4354.sticky_duration_ms']
    const ts = massagedTs(requester, query.ts)
    if (delayMs !== undefined) {
      const wanted = { roomId, type, txnId, content: body, delayMs, stickyMs, ts, byQuery: true }
      return { delay_id: (await delayedEvents.schedule(requester, wanted)).delayId }
    }
    const { eventId } = await sending.message(requester, { roomId, type, txnId, content: body, ts, stickyMs })
    presence.active(requester)
    return { event_id: eventId }
  },
  {
    pretend: ({ requester, path, query }) => {
      const event = pretendedEvent(requester, path.roomId, path.eventType, path.txnId)
      return query['org.matrix.msc4140.delay'] === undefined ? event : { delay_id: event.event_id.slice(1) }
    },
  },
)
