import { endpoint, reply } from '../../http/endpoint.ts'

export const listNotifications = endpoint(
  'listNotifications',
  async ({ requester, query }, { notifications }) =>
    reply({ body: await notifications.page(requester, query) }),
)
