import { endpoint } from '../../http/endpoint.ts'

export const setAdminSuspendUser = endpoint(
  'setAdminSuspendUser',
  async ({ requester, path, body }, { accounts }) => {
    await accounts.moderation.set(requester, path.userId, 'is_suspended', body.suspended)
    return { suspended: body.suspended }
  },
)
