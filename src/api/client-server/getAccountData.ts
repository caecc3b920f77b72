import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const getAccountData = endpoint('getAccountData', ({ requester, path }, { accounts }) => {
  refuseOthers(requester, path.userId)
  return accounts.accountData.get(path.userId, undefined, path.type)
})
