import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const requestOpenIdToken = endpoint(
  'requestOpenIdToken',
  async ({ requester, path }, { accounts }) => {
    refuseOthers(requester, path.userId)
    return accounts.openId.issue(path.userId)
  },
)
