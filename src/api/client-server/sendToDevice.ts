import { endpoint } from '../../http/endpoint.ts'
import type { ToDeviceMessages } from '../../services/encryption/to-device.ts'

export const sendToDevice = endpoint('sendToDevice', async ({ requester, path, body }, { encryption }) => {
  const sender = { userId: requester.userId, deviceId: requester.deviceId ?? '' }
  const all = body.messages as ToDeviceMessages
  const { [requester.userId]: own = {} } = all
  // Who is to reach nobody has their other devices still.
  const messages = requester.isShadowBanned ? { [requester.userId]: own } : all
  await encryption.toDevice.send(sender, path.eventType, path.txnId, messages)
  return {}
})
