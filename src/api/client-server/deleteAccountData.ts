import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const deleteAccountData = endpoint('deleteAccountData', async ({ requester, path }, { accounts }) => {
  refuseOthers(requester, path.userId)
  await accounts.accountData.delete(path.userId, undefined, path.type)
  return {}
})
