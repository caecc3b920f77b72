import { endpoint, reply } from '../../http/endpoint.ts'

export const updateDevice = endpoint('updateDevice', async ({ requester, path, body }, { accounts }) => {
  const { userId, appServiceId } = requester
  if (appServiceId !== undefined) {
    const isNew = await accounts.ofServices.putDevice(userId, path.deviceId, body.display_name)
    return reply({ status: isNew ? 201 : 200 })
  }
  await accounts.devices.rename(userId, path.deviceId, body.display_name)
  return {}
})
