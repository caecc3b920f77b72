import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const setAccountDataPerRoom = endpoint(
  'setAccountDataPerRoom',
  async ({ requester, path, body }, { accounts }) => {
    refuseOthers(requester, path.userId)
    await accounts.accountData.set(path.userId, path.roomId, path.type, body)
    return {}
  },
)
