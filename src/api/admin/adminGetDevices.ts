import { endpoint } from '../../http/endpoint.ts'
import { administeredDevices } from '../administered-devices.ts'

export const adminGetDevices = endpoint('adminGetDevices', async ({ path }, services) => {
  const devices = await administeredDevices(services, path.userId)
  return { devices, total: devices.length }
})
