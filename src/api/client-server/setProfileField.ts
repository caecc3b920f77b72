import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const setProfileField = endpoint(
  'setProfileField',
  async ({ requester, path, body }, { accounts }) => {
    refuseOthers(requester, path.userId)
    accounts.profiles.checkMayChange(requester, path.keyName)
    await accounts.profiles.setField(requester, path.keyName, body)
    return {}
  },
)
