import { endpoint } from '../../http/endpoint.ts'

export const getRoomKeysVersion = endpoint('getRoomKeysVersion', ({ requester, path }, { encryption }) =>
  encryption.backups.get(requester.userId, path.version),
)
