import { endpoint } from '../../http/endpoint.ts'

export const adminFindUserByThreepid = endpoint(
  'adminFindUserByThreepid',
  async ({ path }, { accounts }) => ({
    user_id: await accounts.administered.ownerOf(path),
  }),
)
