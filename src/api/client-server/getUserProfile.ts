import { endpoint } from '../../http/endpoint.ts'

export const getUserProfile = endpoint(
  'getUserProfile',
  async ({ requester, path }, { accounts, profileAccess }) => {
    await profileAccess.check(requester, path.userId)
    return accounts.profiles.get(path.userId)
  },
)
