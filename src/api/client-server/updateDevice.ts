import { endpoint } from '../../http/endpoint.ts'

export const updateDevice = endpoint('updateDevice', async ({ requester, path, body }, { accounts }) => {
  await accounts.devices.rename(requester.userId, path.deviceId, body.display_name)
  return {}
})
