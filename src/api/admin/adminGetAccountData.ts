import { endpoint } from '../../http/endpoint.ts'

export const adminGetAccountData = endpoint('adminGetAccountData', async ({ path }, { accounts }) => {
  await accounts.administered.one(path.userId)
  return { account_data: await accounts.accountData.all(path.userId) }
})
