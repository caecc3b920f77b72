import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'

export const queryProfile = endpoint('queryProfile', async ({ query }, { accounts, profileAccess }) => {
  const { user_id: userId, field } = query
  profileAccess.checkServer()
  if (!accounts.isLocalUser(userId)) throw new MatrixError('M_NOT_FOUND', 'This is not a user of this server')
  return field === undefined ? accounts.profiles.get(userId) : accounts.profiles.getField(userId, field)
})
