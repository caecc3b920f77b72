import { endpoint } from '../../http/endpoint.ts'

export const setPushRuleEnabled = endpoint(
  'setPushRuleEnabled',
  async ({ requester, path, body }, { pushRules }) => {
    await pushRules.setEnabled(requester.userId, path, body.enabled)
    return {}
  },
)
