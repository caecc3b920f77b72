import { endpoint } from '../../http/endpoint.ts'

export const getTurnServer = endpoint(
  'getTurnServer',
  async ({ requester }, { turn }) => turn.credentials(requester.userId) ?? {},
)
