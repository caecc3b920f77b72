import { endpoint } from '../../http/endpoint.ts'
import type { ToDeviceMessages } from '../../services/encryption/to-device.ts'

export const sendToDevice = endpoint('sendToDevice', async ({ requester, path, body }, { encryption }) => {
  const sender = { userId: requester.userId, deviceId: requester.deviceId ?? '' }
  await encryption.toDevice.send(sender, path.eventType, path.txnId, body.messages as ToDeviceMessages)
  return {}
})
