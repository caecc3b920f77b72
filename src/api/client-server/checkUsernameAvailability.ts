import { endpoint } from '../../http/endpoint.ts'

export const checkUsernameAvailability = endpoint(
  'checkUsernameAvailability',
  async ({ query }, { accounts }) => {
    await accounts.registration.checkAvailable(query.username)
    return { available: true }
  },
)
