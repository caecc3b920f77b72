import { endpoint } from '../../http/endpoint.ts'

export const adminGetAdmin = endpoint('adminGetAdmin', async ({ path }, { accounts }) => ({
  admin: (await accounts.administered.one(path.userId)).isAdmin,
}))
