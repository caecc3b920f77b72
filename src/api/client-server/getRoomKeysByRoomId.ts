import { endpoint, reply } from '../../http/endpoint.ts'

export const getRoomKeysByRoomId = endpoint(
  'getRoomKeysByRoomId',
  async ({ requester, path, query }, { encryption }) =>
    reply({ body: await encryption.backupContents.room(requester.userId, query.version, path.roomId) }),
)
