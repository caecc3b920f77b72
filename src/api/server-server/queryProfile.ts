import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'

/**
 * "If the user does not have a particular field set on their profile, the server MUST either exclude it from the response body or give
 * it the value null": where that is an error, Synapse invites people who have only a picture without it.
 */
export const queryProfile = endpoint('queryProfile', async ({ query }, { accounts, profileAccess }) => {
  const { user_id: userId, field } = query
  profileAccess.checkServer()
  if (!accounts.isLocalUser(userId)) throw new MatrixError('M_NOT_FOUND', 'This is not a user of this server')
  const profile = await accounts.profiles.get(userId)
  if (field === undefined) return profile
  const value = Object.hasOwn(profile, field) ? profile[field] : undefined
  return value === undefined ? {} : { [field]: value }
})
