import { endpoint } from '../../http/endpoint.ts'

export const getPushRulesGlobal = endpoint('getPushRulesGlobal', ({ requester }, { pushRules }) =>
  pushRules.all(requester.userId),
)
