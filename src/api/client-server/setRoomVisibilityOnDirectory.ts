import { endpoint } from '../../http/endpoint.ts'

export const setRoomVisibilityOnDirectory = endpoint(
  'setRoomVisibilityOnDirectory',
  async ({ requester, path, body }, { publicRooms }) => {
    await publicRooms.publish(requester, path.roomId, body.visibility !== 'private')
    return {}
  },
)
