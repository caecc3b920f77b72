import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const deleteProfileField = endpoint(
  'deleteProfileField',
  async ({ requester, path }, { accounts }) => {
    refuseOthers(requester, path.userId)
    accounts.profiles.checkMayChange(requester, path.keyName)
    await accounts.profiles.deleteField(requester, path.keyName)
    return {}
  },
)
