import { endpoint } from '../../http/endpoint.ts'

export const setRoomAlias = endpoint(
  'setRoomAlias',
  async ({ requester, path, body }, { directory, roomRules, appServices }) => {
    appServices.registry.checkNewAlias(requester, path.roomAlias)
    const isInControl = appServices.registry.controlsAlias(requester, path.roomAlias)
    if (!isInControl) roomRules.checkAlias(requester, path.roomAlias, body.room_id)
    await directory.add({ userId: requester.userId, isInControl }, path.roomAlias, body.room_id)
    return {}
  },
)
