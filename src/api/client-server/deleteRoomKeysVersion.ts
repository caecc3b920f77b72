import { endpoint } from '../../http/endpoint.ts'

export const deleteRoomKeysVersion = endpoint(
  'deleteRoomKeysVersion',
  async ({ requester, path }, { encryption }) => {
    await encryption.backups.delete(requester.userId, path.version)
    return {}
  },
)
