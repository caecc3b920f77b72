import { endpoint } from '../../http/endpoint.ts'
import { asKeyUpload } from '../../services/encryption/uploaded-keys.ts'
import { deviceOf } from '../own-account.ts'

export const uploadKeys = endpoint('uploadKeys', async ({ requester, body }, { encryption }) => {
  const counts = await encryption.deviceKeys.upload(requester.userId, deviceOf(requester), asKeyUpload(body))
  return { one_time_key_counts: counts }
})
