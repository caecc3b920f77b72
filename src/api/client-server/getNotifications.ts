import { endpoint, reply } from '../../http/endpoint.ts'

export const getNotifications = endpoint('getNotifications', async ({ requester, query }, services) =>
  reply({ body: await services.notificationList.page(requester, query) }),
)
