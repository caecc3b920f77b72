import { endpoint } from '../../http/endpoint.ts'

export const getPushRuleActions = endpoint(
  'getPushRuleActions',
  async ({ requester, path }, { pushRules }) => {
    const { actions } = await pushRules.one(requester.userId, path)
    return { actions }
  },
)
