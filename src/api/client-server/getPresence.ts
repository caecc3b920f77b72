import { endpoint } from '../../http/endpoint.ts'

export const getPresence = endpoint('getPresence', async ({ requester, path }, { presence }) =>
  presence.get(requester.userId, path.userId),
)
