import { endpoint } from '../../http/endpoint.ts'

export const isPushRuleEnabled = endpoint('isPushRuleEnabled', async ({ requester, path }, { pushRules }) => {
  const { enabled } = await pushRules.one(requester.userId, path)
  return { enabled }
})
