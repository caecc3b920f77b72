import { endpoint } from '../../http/endpoint.ts'

export const getDevice = endpoint('getDevice', ({ requester, path }, { accounts }) =>
  accounts.devices.get(requester.userId, path.deviceId),
)
