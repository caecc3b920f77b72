import { endpoint } from '../../http/endpoint.ts'

export const postReceipt = endpoint(
  'postReceipt',
  async ({ requester, path, body }, { receipts, presence }) => {
    const { receiptType, eventId } = path
    // As clients of MSC2285 still call it.
    const type = receiptType === 'org.matrix.msc2285.read.private' ? 'm.read.private' : receiptType
    // `null` is as if it were left out, as in the bodies of all requests; of this member no schema says so, since it may be anything.
    const threadId = body.thread_id ?? undefined
    await receipts.mark(requester.userId, path.roomId, [{ type, eventId, threadId }])
    presence.active(requester)
    return {}
  },
)
