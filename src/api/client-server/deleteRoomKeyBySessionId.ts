import { endpoint } from '../../http/endpoint.ts'

export const deleteRoomKeyBySessionId = endpoint(
  'deleteRoomKeyBySessionId',
  ({ requester, path, query }, { encryption }) =>
    encryption.backups.deleteKeys(requester.userId, query.version, {
      roomId: path.roomId,
      sessionId: path.sessionId,
    }),
)
