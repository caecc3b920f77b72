import { endpoint } from '../../http/endpoint.ts'

export const deleteRoomKeys = endpoint('deleteRoomKeys', ({ requester, query }, { encryption }) =>
  encryption.backups.deleteKeys(requester.userId, query.version, {}),
)
