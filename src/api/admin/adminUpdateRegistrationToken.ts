import { endpoint } from '../../http/endpoint.ts'
import { administeredToken } from '../administered-token.ts'

export const adminUpdateRegistrationToken = endpoint(
  'adminUpdateRegistrationToken',
  async ({ path, body }, { accounts }) => {
    const { uses_allowed: usesAllowed, expiry_time: expiresTs } = body
    return administeredToken(await accounts.registrationTokens.change(path.token, { usesAllowed, expiresTs }))
  },
)
