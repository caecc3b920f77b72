import { endpoint } from '../../http/endpoint.ts'

export const postReceipt = endpoint(
  'postReceipt',
  async ({ requester, path, body }, { receipts, presence }) => {
    const { receiptType: type, eventId } = path
    await receipts.mark(requester.userId, path.roomId, [{ type, eventId, threadId: body.thread_id }])
    presence.active(requester)
    return {}
  },
)
