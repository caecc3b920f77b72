import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const deleteAccountDataPerRoom = endpoint(
  'deleteAccountDataPerRoom',
  async ({ requester, path }, { accounts }) => {
    refuseOthers(requester, path.userId)
    await accounts.accountData.delete(path.userId, path.roomId, path.type)
    return {}
  },
)
