import { endpoint } from '../../http/endpoint.ts'
import { backedUpKeys } from '../../services/encryption/backup-contents.ts'

export const putRoomKeysByRoomId = endpoint(
  'putRoomKeysByRoomId',
  ({ requester, path, query, body }, { encryption }) =>
    encryption.backups.putKeys(requester.userId, query.version, backedUpKeys({ [path.roomId]: body })),
)
