import { endpoint } from '../../http/endpoint.ts'

export const getLoginFlows = endpoint('getLoginFlows', async (_call, { accounts }) => ({
  flows: accounts.login.flows(),
}))
