import { endpoint } from '../../http/endpoint.ts'

export const adminSetAdmin = endpoint('adminSetAdmin', async ({ requester, path, body }, { accounts }) => {
  await accounts.administered.setAdmin(requester, path.userId, body.admin)
  return {}
})
