import { endpoint } from '../../http/endpoint.ts'

export const logout = endpoint('logout', async ({ requester }, { accounts }) => {
  await accounts.management.logout(requester)
  return {}
})
