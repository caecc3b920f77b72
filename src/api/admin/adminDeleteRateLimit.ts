import { endpoint } from '../../http/endpoint.ts'

export const adminDeleteRateLimit = endpoint('adminDeleteRateLimit', async ({ path }, { accounts }) => {
  await accounts.administered.limitMessages(path.userId, undefined)
  return {}
})
