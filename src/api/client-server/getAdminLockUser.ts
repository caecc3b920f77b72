import { endpoint } from '../../http/endpoint.ts'

export const getAdminLockUser = endpoint('getAdminLockUser', async ({ requester, path }, { accounts }) => ({
  locked: (await accounts.moderation.status(requester, path.userId)).locked,
}))
