import { endpoint } from '../../http/endpoint.ts'
import { backedUpKeys } from '../../services/encryption/backup-contents.ts'

export const putRoomKeys = endpoint('putRoomKeys', ({ requester, query, body }, { encryption }) =>
  encryption.backups.putKeys(requester.userId, query.version, backedUpKeys(body.rooms)),
)
