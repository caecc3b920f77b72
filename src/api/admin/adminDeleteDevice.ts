import { endpoint } from '../../http/endpoint.ts'

export const adminDeleteDevice = endpoint('adminDeleteDevice', async ({ path }, { accounts }) => {
  await accounts.administered.one(path.userId)
  await accounts.devices.remove(path.userId, [path.deviceId])
  return {}
})
