import { endpoint } from '../../http/endpoint.ts'

export const getUserProfile = endpoint('getUserProfile', ({ path }, { accounts }) =>
  accounts.profiles.get(path.userId),
)
