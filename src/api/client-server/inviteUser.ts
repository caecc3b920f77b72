import { endpoint } from '../../http/endpoint.ts'

export const inviteUser = endpoint('inviteUser', async ({ requester, path, body }, { memberships }) => {
  await memberships.invite({
    sender: requester.userId,
    userId: body.user_id,
    roomId: path.roomId,
    reason: body.reason,
  })
  return {}
})
