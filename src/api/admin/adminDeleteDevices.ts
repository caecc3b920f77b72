import { endpoint } from '../../http/endpoint.ts'

export const adminDeleteDevices = endpoint('adminDeleteDevices', async ({ path, body }, { accounts }) => {
  await accounts.administered.one(path.userId)
  await accounts.devices.removeNamed(path.userId, body.devices)
  return {}
})
