import { endpoint } from '../../http/endpoint.ts'

export const getVersion = endpoint('getVersion', async (_, { federation }) => ({
  server: federation.software,
  'chat.tessera': { enabled: true },
}))
