import { endpoint } from '../../http/endpoint.ts'

export const kick = endpoint('kick', async ({ requester, path, body }, { memberships }) => {
  await memberships.kick({
    sender: requester.userId,
    userId: body.user_id,
    roomId: path.roomId,
    reason: body.reason,
  })
  return {}
})
