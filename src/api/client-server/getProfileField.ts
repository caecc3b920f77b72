import { endpoint } from '../../http/endpoint.ts'

export const getProfileField = endpoint(
  'getProfileField',
  async ({ requester, path }, { accounts, profileAccess }) => {
    await profileAccess.check(requester, path.userId)
    return accounts.profiles.getField(path.userId, path.keyName)
  },
)
