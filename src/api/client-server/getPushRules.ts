import { endpoint } from '../../http/endpoint.ts'

export const getPushRules = endpoint('getPushRules', async ({ requester }, { pushRules }) => ({
  global: await pushRules.all(requester.userId),
}))
