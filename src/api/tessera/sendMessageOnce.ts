import { randomUUID } from 'node:crypto'
import { endpoint } from '../../http/endpoint.ts'
import { checkMessageContent } from '../../services/rooms/message-content.ts'
import { massagedTs } from '../massaged-ts.ts'
import { pretendedEvent } from '../pretended.ts'

export const sendMessageOnce = endpoint(
  'sendMessageOnce',
  async ({ requester, path, query, body: content }, { sending, presence }) => {
    const { roomId, eventType: type } = path
    checkMessageContent(type, content)
    const ts = massagedTs(requester, query.ts)
    const { eventId } = await sending.message(requester, { roomId, type, txnId: randomUUID(), content, ts })
    presence.active(requester)
    return { event_id: eventId }
  },
  { pretend: ({ requester, path }) => pretendedEvent(requester, path.roomId, path.eventType, randomUUID()) },
)
