import { endpoint } from '../../http/endpoint.ts'
import { heardReason } from '../pretended.ts'

export const unban = endpoint('unban', async ({ requester, path, body }, { memberships }) => {
  await memberships.unban({
    sender: requester.userId,
    userId: body.user_id,
    roomId: path.roomId,
    reason: heardReason(requester, body.reason),
  })
  return {}
})
