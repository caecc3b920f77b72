import { endpoint } from '../../http/endpoint.ts'

export const listThreadSubscriptions = endpoint(
  'listThreadSubscriptions',
  async ({ requester, query }, { threadSubscriptions }) => {
    return threadSubscriptions.page(requester.userId, { from: query.from, to: query.to, limit: query.limit })
  },
)
