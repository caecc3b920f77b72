import { endpoint } from '../../http/endpoint.ts'

export const deleteDevices = endpoint('deleteDevices', async ({ requester, request, body }, { accounts }) => {
  await accounts.management.confirm(requester, request, body, { exceptServices: true })
  await accounts.devices.removeNamed(requester.userId, body.devices)
  return {}
})
