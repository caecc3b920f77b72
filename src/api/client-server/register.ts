import { endpoint } from '../../http/endpoint.ts'
import { SERVICE_LOGIN } from '../../services/appservices/index.ts'

export const register = endpoint(
  'register',
  async ({ query, body, request }, { accounts, appServices }) => {
    if (body.type === SERVICE_LOGIN) {
      const { registry } = appServices
      const service = registry.require(request.accessToken)
      return accounts.ofServices.register(body, userId => registry.checkUser(service, userId))
    }
    const session =
      query.kind === 'guest'
        ? await accounts.registration.registerGuest(body)
        : await accounts.registration.register(body, request)
    return accounts.login.from(request, session)
  },
  {
    // "When registering a guest account, all parameters in the request body with the exception of
    // `initial_device_display_name` MUST BE ignored by the server", whatever they are.
    heeded: (body, { kind }) =>
      kind === 'guest'
        ? Object.fromEntries(Object.entries(body).filter(([name]) => name === 'initial_device_display_name'))
        : body,
  },
)
