import { endpoint } from '../../http/endpoint.ts'

export const getRoomKeysVersionCurrent = endpoint(
  'getRoomKeysVersionCurrent',
  ({ requester }, { encryption }) => encryption.backups.get(requester.userId, undefined),
)
