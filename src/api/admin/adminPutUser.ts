import { endpoint, reply } from '../../http/endpoint.ts'
import { userDetails } from '../administered-users.ts'

export const adminPutUser = endpoint('adminPutUser', async ({ requester, path, body }, services) => {
  const isNew = await services.accounts.administered.put(requester, path.userId, body)
  const json = await userDetails(services, path.userId)
  return isNew ? reply({ status: 201, json }) : json
})
