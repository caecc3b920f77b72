import { endpoint } from '../../http/endpoint.ts'

export const putThreadSubscription = endpoint(
  'putThreadSubscription',
  async ({ requester, path, body }, { threadSubscriptions }) => {
    const thread = { roomId: path.roomId, threadId: path.eventId }
    await threadSubscriptions.subscribe(requester, thread, body.automatic)
    return {}
  },
)
