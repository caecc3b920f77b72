import { endpoint } from '../../http/endpoint.ts'

export const adminGetRateLimit = endpoint('adminGetRateLimit', async ({ path }, { accounts }) => {
  const limit = await accounts.administered.messageLimit(path.userId)
  return limit === undefined ? {} : { messages_per_second: limit.perSecond, burst_count: limit.burst }
})
