import { endpoint } from '../../http/endpoint.ts'
import { SERVICE_LOGIN } from '../../services/appservices/index.ts'

export const login = endpoint('login', ({ body, request }, { accounts, appServices }) => {
  if (body.type !== SERVICE_LOGIN) return accounts.login.login(body)
  const { registry } = appServices
  const service = registry.require(request.accessToken)
  return accounts.ofServices.login(body, userId => registry.checkUser(service, userId))
})
