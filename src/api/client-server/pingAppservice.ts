import { endpoint } from '../../http/endpoint.ts'

export const pingAppservice = endpoint(
  'pingAppservice',
  async ({ requester, path, body }, { appServices }) => ({
    duration_ms: await appServices.ping(requester, path.appserviceId, body?.transaction_id),
  }),
)
