import { endpoint, reply } from '../../http/endpoint.ts'

export const getUserDevices = endpoint('getUserDevices', async ({ path }, { encryption }) =>
  reply({ json: await encryption.servedKeys.devices(path.userId) }),
)
