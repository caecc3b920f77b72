import { endpoint } from '../../http/endpoint.ts'

export const getTokenOwner = endpoint('getTokenOwner', async ({ requester }) => ({
  user_id: requester.userId,
  device_id: requester.deviceId,
  is_guest: requester.isGuest,
}))
