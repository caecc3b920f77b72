import { endpoint } from '../../http/endpoint.ts'
import { administeredToken } from '../administered-token.ts'

export const adminGetRegistrationToken = endpoint(
  'adminGetRegistrationToken',
  async ({ path }, { accounts }) => administeredToken(await accounts.registrationTokens.get(path.token)),
)
