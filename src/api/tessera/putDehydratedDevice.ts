import { endpoint } from '../../http/endpoint.ts'
import type { DehydratedUpload } from '../../services/encryption/dehydrated-devices.ts'

export const putDehydratedDevice = endpoint(
  'putDehydratedDevice',
  async ({ requester, body }, { encryption }) => {
    await encryption.dehydrated.put(requester.userId, body as DehydratedUpload)
    return { device_id: body.device_id }
  },
)
