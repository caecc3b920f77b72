import { endpoint } from '../../http/endpoint.ts'

export const deleteRoomAlias = endpoint(
  'deleteRoomAlias',
  async ({ requester, path }, { directory, appServices }) => {
    const isInControl = requester.isAdmin || appServices.registry.controlsAlias(requester, path.roomAlias)
    if (!isInControl) appServices.registry.checkForeignAlias(requester, path.roomAlias)
    await directory.remove({ userId: requester.userId, isInControl }, path.roomAlias)
    return {}
  },
)
