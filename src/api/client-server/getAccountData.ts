import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const getAccountData = endpoint(
  'getAccountData',
  async ({ requester, path }, { accounts, pushRules }) => {
    refuseOthers(requester, path.userId)
    if (path.type === 'm.push_rules') return { global: await pushRules.all(path.userId) }
    return accounts.accountData.get(path.userId, undefined, path.type)
  },
)
