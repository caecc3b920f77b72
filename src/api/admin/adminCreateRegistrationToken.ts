import { endpoint } from '../../http/endpoint.ts'
import { administeredToken } from '../administered-token.ts'

export const adminCreateRegistrationToken = endpoint(
  'adminCreateRegistrationToken',
  async ({ body }, { accounts }) => {
    const { token, length, uses_allowed: usesAllowed, expiry_time: expiresTs } = body
    const made = await accounts.registrationTokens.create({
      token,
      length,
      usesAllowed: usesAllowed ?? undefined,
      expiresTs: expiresTs ?? undefined,
    })
    return administeredToken(made)
  },
)
