import { endpoint } from '../../http/endpoint.ts'
import { SERVICE_LOGIN } from '../../services/appservices/index.ts'

/** Whoever logs in is told how clients reach this server, where the operator has said so. */
export const login = endpoint(
  'login',
  async ({ body, request }, { accounts, appServices, wellKnown: { client } }) => {
    const where = client === undefined ? {} : { well_known: client }
    if (body.type !== SERVICE_LOGIN) {
      return { ...accounts.login.from(request, await accounts.login.login(body, request)), ...where }
    }
    const { registry } = appServices
    // "`M_MISSING_TOKEN` or `M_UNKNOWN_TOKEN` error code and 401" (application-service API, "Server admin style permissions"),
    // as other servers do; the client-server API speaks of `M_FORBIDDEN` here, and of these for tokens everywhere else.
    const service = registry.require(request.accessToken)
    const session = await accounts.ofServices.login(body, userId => registry.checkUser(service, userId))
    return { ...session, ...where }
  },
)
