import { endpoint } from '../../http/endpoint.ts'

export const postReceipt = endpoint(
  'postReceipt',
  async ({ requester, path, body }, { receipts, presence }) => {
    const { receiptType, eventId } = path
    // As clients of MSC2285 still call it.
    const type = receiptType === 'org.matrix.msc2285.read.private' ? 'm.read.private' : receiptType
    await receipts.mark(requester.userId, path.roomId, [{ type, eventId, threadId: body.thread_id }])
    presence.active(requester)
    return {}
  },
)
