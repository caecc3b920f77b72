import { endpoint } from '../../http/endpoint.ts'

export const adminProtectMedia = endpoint('adminProtectMedia', async ({ path }, { media }) => {
  await media.moderation.protect(path.mediaId, true)
  return {}
})
