import { endpoint } from '../../http/endpoint.ts'

export const getServerKey = endpoint('getServerKey', async (_, { federation }) =>
  federation.ownKeys.document(),
)
