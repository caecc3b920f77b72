import { endpoint } from '../../http/endpoint.ts'

export const redactEvent = endpoint('redactEvent', async ({ requester, path, body }, { sending }) => {
  const { eventId } = await sending.redaction(requester, {
    roomId: path.roomId,
    redacts: path.eventId,
    txnId: path.txnId,
    reason: body?.reason,
  })
  return { event_id: eventId }
})
