import { endpoint } from '../../http/endpoint.ts'

export const updateAppserviceRoomDirectoryVisibility = endpoint(
  'updateAppserviceRoomDirectoryVisibility',
  async ({ requester, path, body }, { appServices }) => {
    await appServices.setListed(requester, path.networkId, path.roomId, body.visibility === 'public')
    return {}
  },
)
