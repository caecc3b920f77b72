import { endpoint } from '../../http/endpoint.ts'

export const getThreadSubscription = endpoint(
  'getThreadSubscription',
  async ({ requester, path }, { threadSubscriptions }) => {
    return threadSubscriptions.get(requester, { roomId: path.roomId, threadId: path.eventId })
  },
)
