import { endpoint } from '../../http/endpoint.ts'

export const closeNotification = endpoint(
  'closeNotification',
  async ({ requester, path }, { notifications }) => {
    await notifications.close(requester.userId, path.notificationId)
    return {}
  },
)
