import { endpoint, reply } from '../../http/endpoint.ts'

export const claimKeys = endpoint('claimKeys', async ({ body }, { encryption }) =>
  reply({ json: await encryption.keyClaims.claim(body.one_time_keys, body.timeout) }),
)
