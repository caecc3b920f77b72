import { endpoint } from '../../http/endpoint.ts'
import { uploadOf } from '../media-upload.ts'

export const uploadContent = endpoint('uploadContent', async ({ requester, ...call }, { media }) => ({
  content_uri: await media.uploads.upload(requester.userId, uploadOf(call)),
}))
