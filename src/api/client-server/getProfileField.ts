import { endpoint } from '../../http/endpoint.ts'

export const getProfileField = endpoint('getProfileField', ({ path }, { accounts }) =>
  accounts.profiles.getField(path.userId, path.keyName),
)
