import { endpoint } from '../../http/endpoint.ts'

export const getPushers = endpoint('getPushers', async ({ requester }, { pushers }) => ({
  pushers: await pushers.list(requester.userId),
}))
