import { endpoint } from '../../http/endpoint.ts'

export const cancelInvitation = endpoint('cancelInvitation', async ({ requester, path }, { invitations }) => {
  await invitations.withdrawal.cancel(requester, path.roomId, path.userId)
  return {}
})
