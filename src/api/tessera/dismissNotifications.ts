import { endpoint } from '../../http/endpoint.ts'

export const dismissNotifications = endpoint(
  'dismissNotifications',
  async ({ requester, body }, { notifications }) => {
    const { ids, kind, room_id: roomId } = body
    return { dismissed: await notifications.closeAll(requester.userId, { ids, kind, roomId }) }
  },
)
