import { endpoint } from '../../http/endpoint.ts'
import { uploadOf } from '../media-upload.ts'

export const uploadContentToMXC = endpoint(
  'uploadContentToMXC',
  async ({ requester, path, ...call }, { media }) => {
    await media.uploads.fill(requester.userId, path.serverName, path.mediaId, uploadOf(call))
    return {}
  },
)
