import { endpoint } from '../../http/endpoint.ts'

export const unbind3pidFromAccount = endpoint(
  'unbind3pidFromAccount',
  async ({ requester, body }, { accounts }) => ({
    id_server_unbind_result: await accounts.threepids.unbind(requester.userId, body),
  }),
)
