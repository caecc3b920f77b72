import { endpoint } from '../../http/endpoint.ts'

export const adminGetMemberships = endpoint('adminGetMemberships', async ({ path }, { memberActivity }) => ({
  memberships: await memberActivity.memberships(path.userId),
}))
