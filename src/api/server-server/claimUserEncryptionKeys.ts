import { endpoint, reply } from '../../http/endpoint.ts'

export const claimUserEncryptionKeys = endpoint('claimUserEncryptionKeys', async ({ body }, { encryption }) =>
  reply({ json: await encryption.servedKeys.claim(body.one_time_keys) }),
)
