import { endpoint } from '../../http/endpoint.ts'
import { mediaInfo } from '../administered-media.ts'

export const adminGetMedia = endpoint('adminGetMedia', async ({ path }, { media }) => {
  const row = await media.moderation.one({ origin: path.serverName, mediaId: path.mediaId })
  return { media_info: mediaInfo(row, media.serverName) }
})
