import { endpoint } from '../../http/endpoint.ts'

export const getAdminSuspendUser = endpoint(
  'getAdminSuspendUser',
  async ({ requester, path }, { accounts }) => ({
    suspended: (await accounts.moderation.status(requester, path.userId)).suspended,
  }),
)
