import { endpoint } from '../../http/endpoint.ts'

export const forgetRoom = endpoint('forgetRoom', async ({ requester, path }, { memberships }) => {
  await memberships.forget(requester.userId, path.roomId)
  return {}
})
