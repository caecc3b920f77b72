import type { JsonObject } from '../../core/json.ts'
import { endpoint } from '../../http/endpoint.ts'

export const postRoomKeysVersion = endpoint(
  'postRoomKeysVersion',
  async ({ requester, body }, { encryption }) => ({
    version: await encryption.backups.create(requester.userId, body.algorithm, body.auth_data as JsonObject),
  }),
)
