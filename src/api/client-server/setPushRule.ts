import { endpoint } from '../../http/endpoint.ts'

export const setPushRule = endpoint(
  'setPushRule',
  async ({ requester, path, query, body }, { pushRules }) => {
    await pushRules.put(requester.userId, path, body, query)
    return {}
  },
)
