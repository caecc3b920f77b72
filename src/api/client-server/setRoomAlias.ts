import { endpoint } from '../../http/endpoint.ts'

export const setRoomAlias = endpoint(
  'setRoomAlias',
  async ({ requester, path, body }, { directory, appServices }) => {
    appServices.registry.checkNewAlias(requester, path.roomAlias)
    await directory.add(requester.userId, path.roomAlias, body.room_id)
    return {}
  },
)
