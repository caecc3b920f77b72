import type { JsonObject } from '../../core/json.ts'
import { endpoint } from '../../http/endpoint.ts'

export const putRoomKeysVersion = endpoint(
  'putRoomKeysVersion',
  async ({ requester, path, body }, { encryption }) => {
    const { algorithm, auth_data: authData, version } = body
    await encryption.backups.update(requester.userId, path.version, {
      algorithm,
      authData: authData as JsonObject,
      version,
    })
    return {}
  },
)
