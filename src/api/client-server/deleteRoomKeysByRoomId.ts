import { endpoint } from '../../http/endpoint.ts'

export const deleteRoomKeysByRoomId = endpoint(
  'deleteRoomKeysByRoomId',
  ({ requester, path, query }, { encryption }) =>
    encryption.backups.deleteKeys(requester.userId, query.version, { roomId: path.roomId }),
)
