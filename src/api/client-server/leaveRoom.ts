import { endpoint } from '../../http/endpoint.ts'

export const leaveRoom = endpoint('leaveRoom', async ({ requester, path, body }, { memberships }) => {
  await memberships.leave({
    userId: requester.userId,
    roomId: path.roomId,
    reason: body?.reason,
    content: body?.['chat.tessera.silent'] === true ? { 'chat.tessera.silent': true } : {},
  })
  return {}
})
