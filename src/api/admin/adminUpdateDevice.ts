import { endpoint } from '../../http/endpoint.ts'

export const adminUpdateDevice = endpoint('adminUpdateDevice', async ({ path, body }, { accounts }) => {
  await accounts.administered.one(path.userId)
  await accounts.devices.rename(path.userId, path.deviceId, body.display_name)
  return {}
})
