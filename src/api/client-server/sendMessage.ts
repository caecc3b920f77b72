import { endpoint } from '../../http/endpoint.ts'

export const sendMessage = endpoint(
  'sendMessage',
  async ({ requester, path, body }, { sending, presence }) => {
    const { eventId } = await sending.message(requester, {
      roomId: path.roomId,
      type: path.eventType,
      txnId: path.txnId,
      content: body,
    })
    presence.active(requester)
    return { event_id: eventId }
  },
)
