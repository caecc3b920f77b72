import { endpoint } from '../../http/endpoint.ts'
import { backedUpKeys } from '../../services/encryption/backup-contents.ts'

export const putRoomKeyBySessionId = endpoint(
  'putRoomKeyBySessionId',
  ({ requester, path, query, body }, { encryption }) => {
    const keys = backedUpKeys({ [path.roomId]: { sessions: { [path.sessionId]: body } } })
    return encryption.backups.putKeys(requester.userId, query.version, keys)
  },
)
