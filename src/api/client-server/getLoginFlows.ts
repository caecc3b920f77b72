import { endpoint } from '../../http/endpoint.ts'
import { SERVICE_LOGIN } from '../../services/appservices/index.ts'

export const getLoginFlows = endpoint('getLoginFlows', async (_call, { accounts, appServices }) => ({
  flows: [
    ...accounts.login.flows(),
    ...(appServices.registry.all.length === 0 ? [] : [{ type: SERVICE_LOGIN }]),
  ],
}))
