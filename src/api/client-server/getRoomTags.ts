import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const getRoomTags = endpoint('getRoomTags', async ({ requester, path }, { accounts }) => {
  refuseOthers(requester, path.userId)
  return { tags: await accounts.tags.get(path.userId, path.roomId) }
})
