import { endpoint } from '../../http/endpoint.ts'
import { listUsers } from '../administered-users.ts'

export const adminListUsersV2 = endpoint('adminListUsersV2', ({ query }, services) =>
  listUsers(services, query, query.deactivated === true ? undefined : false),
)
