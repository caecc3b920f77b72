import { endpoint } from '../../http/endpoint.ts'
import { administeredToken } from '../administered-token.ts'

export const adminListRegistrationTokens = endpoint(
  'adminListRegistrationTokens',
  async ({ query }, { accounts }) => ({
    registration_tokens: (await accounts.registrationTokens.listBy(query.valid)).map(administeredToken),
  }),
)
