import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const deleteRoomTag = endpoint('deleteRoomTag', async ({ requester, path }, { accounts }) => {
  refuseOthers(requester, path.userId)
  await accounts.tags.remove(path.userId, path.roomId, path.tag)
  return {}
})
