import { endpoint } from '../../http/endpoint.ts'
import { listUsers } from '../administered-users.ts'

export const adminListUsers = endpoint('adminListUsers', ({ query }, services) =>
  listUsers(services, query, query.deactivated),
)
