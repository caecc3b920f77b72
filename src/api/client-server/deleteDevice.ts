import { endpoint } from '../../http/endpoint.ts'

export const deleteDevice = endpoint(
  'deleteDevice',
  async ({ requester, path, request, body }, { accounts }) => {
    await accounts.management.confirm(requester, request, body, { exceptServices: true })
    await accounts.devices.remove(requester.userId, [path.deviceId])
    return {}
  },
)
