import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const setRoomTag = endpoint('setRoomTag', async ({ requester, path, body }, { accounts }) => {
  refuseOthers(requester, path.userId)
  await accounts.tags.set(path.userId, path.roomId, path.tag, body)
  return {}
})
