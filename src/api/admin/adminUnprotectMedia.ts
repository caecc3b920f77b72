import { endpoint } from '../../http/endpoint.ts'

export const adminUnprotectMedia = endpoint('adminUnprotectMedia', async ({ path }, { media }) => {
  await media.moderation.protect(path.mediaId, false)
  return {}
})
