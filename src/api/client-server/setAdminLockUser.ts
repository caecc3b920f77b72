import { endpoint } from '../../http/endpoint.ts'

export const setAdminLockUser = endpoint(
  'setAdminLockUser',
  async ({ requester, path, body }, { accounts }) => {
    await accounts.moderation.set(requester, path.userId, 'is_locked', body.locked)
    return { locked: body.locked }
  },
)
