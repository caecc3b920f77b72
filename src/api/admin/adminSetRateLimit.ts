import { endpoint } from '../../http/endpoint.ts'

export const adminSetRateLimit = endpoint('adminSetRateLimit', async ({ path, body }, { accounts }) => {
  const { messages_per_second: perSecond = 0, burst_count: burst = 0 } = body
  await accounts.administered.limitMessages(path.userId, { perSecond, burst })
  return { messages_per_second: perSecond, burst_count: burst }
})
