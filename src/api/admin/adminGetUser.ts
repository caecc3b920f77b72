import { endpoint } from '../../http/endpoint.ts'
import { userDetails } from '../administered-users.ts'

export const adminGetUser = endpoint('adminGetUser', ({ path }, services) =>
  userDetails(services, path.userId),
)
