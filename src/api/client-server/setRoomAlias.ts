import { endpoint } from '../../http/endpoint.ts'

export const setRoomAlias = endpoint('setRoomAlias', async ({ requester, path, body }, { directory }) => {
  await directory.add(requester.userId, path.roomAlias, body.room_id)
  return {}
})
