import { endpoint } from '../../http/endpoint.ts'

export const deleteThreadSubscription = endpoint(
  'deleteThreadSubscription',
  async ({ requester, path }, { threadSubscriptions }) => {
    await threadSubscriptions.unsubscribe(requester, { roomId: path.roomId, threadId: path.eventId })
    return {}
  },
)
