import { endpoint } from '../../http/endpoint.ts'
import { SERVICE_LOGIN } from '../../services/appservices/index.ts'

/** Whoever logs in is told how clients reach this server, where the operator has said so. */
export const login = endpoint(
  'login',
  async ({ body, request }, { accounts, appServices, wellKnown: { client } }) => {
    const where = client === undefined ? {} : { well_known: client }
    if (body.type !== SERVICE_LOGIN) {
      return { ...accounts.login.from(request, await accounts.login.login(body)), ...where }
    }
    const { registry } = appServices
    // "If the access token is not valid, does not correspond to an appservice …: `M_FORBIDDEN`" ("Appservice Login").
    const service = registry.require(request.accessToken, 'M_FORBIDDEN')
    const session = await accounts.ofServices.login(body, userId => registry.checkUser(service, userId))
    return { ...session, ...where }
  },
)
