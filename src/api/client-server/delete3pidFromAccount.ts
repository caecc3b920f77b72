import { endpoint } from '../../http/endpoint.ts'

export const delete3pidFromAccount = endpoint(
  'delete3pidFromAccount',
  async ({ requester, body }, { accounts }) => ({
    id_server_unbind_result: await accounts.threepids.delete(requester.userId, body),
  }),
)
