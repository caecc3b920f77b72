import { endpoint, reply } from '../../http/endpoint.ts'

export const getRoomKeys = endpoint('getRoomKeys', async ({ requester, query }, { encryption }) =>
  reply({ body: await encryption.backupContents.all(requester.userId, query.version) }),
)
