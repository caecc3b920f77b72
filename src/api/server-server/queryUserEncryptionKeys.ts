import { endpoint, reply } from '../../http/endpoint.ts'

export const queryUserEncryptionKeys = endpoint('queryUserEncryptionKeys', async ({ body }, { encryption }) =>
  reply({ json: await encryption.servedKeys.query(body.device_keys) }),
)
