import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'
import { stockIconReply } from '../stock-icon-reply.ts'

/** Where nothing is to be learnt of the user, the icon says so little that anybody may have it. */
export const getUserIcon = endpoint('getUserIcon', async ({ requester, path, query, request }, services) => {
  const { media, accounts, profileAccess } = services
  const { avatar_url: avatarUrl } = await profileAccess
    .check(requester, path.userId)
    .then(() => accounts.profiles.getField(path.userId, 'avatar_url'))
    .catch(error => {
      if (error instanceof MatrixError) return {} as { avatar_url?: undefined }
      throw error
    })
  const url = typeof avatarUrl === 'string' ? avatarUrl : undefined
  return stockIconReply(media, { id: path.userId, avatarUrl: url }, query.size, request)
})
