import { endpoint } from '../../http/endpoint.ts'

export const deleteRoomAlias = endpoint('deleteRoomAlias', async ({ requester, path }, { directory }) => {
  await directory.remove(requester, path.roomAlias)
  return {}
})
