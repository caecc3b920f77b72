import { endpoint } from '../../http/endpoint.ts'

export const adminCheckUsernameAvailable = endpoint(
  'adminCheckUsernameAvailable',
  async ({ query }, { accounts }) => {
    await accounts.administered.checkFree(query.username)
    return { available: true }
  },
)
