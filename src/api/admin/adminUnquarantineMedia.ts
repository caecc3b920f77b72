import { endpoint } from '../../http/endpoint.ts'

export const adminUnquarantineMedia = endpoint(
  'adminUnquarantineMedia',
  async ({ requester, path }, { media }) => {
    await media.moderation.quarantineOne(path.serverName, path.mediaId, false, requester.userId)
    return {}
  },
)
