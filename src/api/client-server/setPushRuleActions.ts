import { endpoint } from '../../http/endpoint.ts'

export const setPushRuleActions = endpoint(
  'setPushRuleActions',
  async ({ requester, path, body }, { pushRules }) => {
    await pushRules.setActions(requester.userId, path, body.actions)
    return {}
  },
)
