import { endpoint } from '../../http/endpoint.ts'

export const deactivateAccount = endpoint(
  'deactivateAccount',
  async ({ requester, request, body }, { accounts }) => {
    const userId = await accounts.management.confirm(requester, request, body)
    const result = await accounts.threepids.unbindAll(userId, body.id_server)
    await accounts.management.deactivate(userId, { erase: body.erase ?? false })
    return { id_server_unbind_result: result }
  },
)
