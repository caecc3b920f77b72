import { endpoint } from '../../http/endpoint.ts'
import { heardReason } from '../pretended.ts'

export const leaveRoom = endpoint('leaveRoom', async ({ requester, path, body }, { memberships }) => {
  const isSilent = body?.['chat.tessera.silent'] === true
  await memberships.leave({
    userId: requester.userId,
    roomId: path.roomId,
    // The room would show the inviter what they are not to be told.
    reason: isSilent ? undefined : heardReason(requester, body?.reason),
    content: isSilent ? { 'chat.tessera.silent': true } : {},
  })
  return {}
})
