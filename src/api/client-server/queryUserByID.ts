import { endpoint } from '../../http/endpoint.ts'

export const queryUserByID = endpoint('queryUserByID', ({ query }, { appServices }) =>
  appServices.thirdParty.usersOf(query.userid),
)
