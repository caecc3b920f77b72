import { endpoint } from '../../http/endpoint.ts'

export const getDevices = endpoint('getDevices', async ({ requester }, { accounts }) => ({
  devices: await accounts.devices.list(requester.userId),
}))
