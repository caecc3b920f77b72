import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const setAccountData = endpoint('setAccountData', async ({ requester, path, body }, { accounts }) => {
  refuseOthers(requester, path.userId)
  await accounts.accountData.set(path.userId, undefined, path.type, body)
  return {}
})
