import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'
import { administeredDevices } from '../administered-devices.ts'

export const adminGetDevice = endpoint('adminGetDevice', async ({ path }, services) => {
  const devices = await administeredDevices(services, path.userId)
  const device = devices.find(({ device_id: deviceId }) => deviceId === path.deviceId)
  if (device === undefined) throw new MatrixError('M_NOT_FOUND', 'The user has no such device.')
  return device
})
