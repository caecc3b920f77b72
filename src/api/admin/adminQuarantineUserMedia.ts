import { endpoint } from '../../http/endpoint.ts'

export const adminQuarantineUserMedia = endpoint(
  'adminQuarantineUserMedia',
  async ({ requester, path }, { media }) => ({
    num_quarantined: await media.moderation.quarantineUser(path.userId, requester.userId),
  }),
)
