import { endpoint } from '../../http/endpoint.ts'

export const getPushRule = endpoint('getPushRule', ({ requester, path }, { pushRules }) =>
  pushRules.one(requester.userId, path),
)
