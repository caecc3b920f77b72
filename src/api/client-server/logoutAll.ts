import { endpoint } from '../../http/endpoint.ts'

export const logoutAll = endpoint('logoutAll', async ({ requester }, { accounts }) => {
  await accounts.devices.removeAll(requester.userId)
  return {}
})
