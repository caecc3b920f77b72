import { endpoint } from '../../http/endpoint.ts'

export const adminCountSentInvites = endpoint(
  'adminCountSentInvites',
  async ({ path, query }, { memberActivity }) => ({
    invite_count: await memberActivity.sentInvitations(path.userId, query.from_ts),
  }),
)
