import { endpoint } from '../../http/endpoint.ts'

export const registrationTokenValidity = endpoint(
  'registrationTokenValidity',
  async ({ query }, { accounts }) => ({ valid: await accounts.registrationTokens.isValid(query.token) }),
)
