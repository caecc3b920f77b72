import { endpoint, reply } from '../../http/endpoint.ts'

export const getRoomKeyBySessionId = endpoint(
  'getRoomKeyBySessionId',
  async ({ requester: { userId }, path: { roomId, sessionId }, query }, { encryption }) =>
    reply({ body: await encryption.backupContents.key(userId, query.version, roomId, sessionId) }),
)
