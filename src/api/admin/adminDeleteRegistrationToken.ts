import { endpoint } from '../../http/endpoint.ts'

export const adminDeleteRegistrationToken = endpoint(
  'adminDeleteRegistrationToken',
  async ({ path }, { accounts }) => {
    await accounts.registrationTokens.delete(path.token)
    return {}
  },
)
