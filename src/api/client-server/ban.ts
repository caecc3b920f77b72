import { endpoint } from '../../http/endpoint.ts'

export const ban = endpoint('ban', async ({ requester, path, body }, { memberships }) => {
  await memberships.ban({
    sender: requester.userId,
    userId: body.user_id,
    roomId: path.roomId,
    reason: body.reason,
  })
  return {}
})
