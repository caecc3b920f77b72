import { endpoint } from '../../http/endpoint.ts'
import { requireOwn } from '../administered-media.ts'

export const adminDeleteMedia = endpoint('adminDeleteMedia', async ({ path }, { media }) => {
  requireOwn(path.serverName, media)
  return media.moderation.delete(path.mediaId)
})
