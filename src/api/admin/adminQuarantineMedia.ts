import { endpoint } from '../../http/endpoint.ts'

export const adminQuarantineMedia = endpoint(
  'adminQuarantineMedia',
  async ({ requester, path }, { media }) => {
    await media.moderation.quarantineOne(path.serverName, path.mediaId, true, requester.userId)
    return {}
  },
)
