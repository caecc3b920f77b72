import { endpoint, reply } from '../../http/endpoint.ts'

export const queryKeys = endpoint('queryKeys', async ({ requester, body }, { encryption }) =>
  reply({ json: await encryption.keyQueries.query(requester.userId, body.device_keys, body.timeout) }),
)
