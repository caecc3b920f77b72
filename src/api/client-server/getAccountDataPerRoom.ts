import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const getAccountDataPerRoom = endpoint(
  'getAccountDataPerRoom',
  async ({ requester, path }, { accounts }) => {
    refuseOthers(requester, path.userId)
    return accounts.accountData.get(path.userId, path.roomId, path.type)
  },
)
