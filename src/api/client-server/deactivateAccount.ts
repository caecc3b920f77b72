import { endpoint } from '../../http/endpoint.ts'

/** No account here has third-party identifiers, so that there is nothing to unbind. */
export const deactivateAccount = endpoint(
  'deactivateAccount',
  async ({ requester, request, body }, { accounts }) => {
    const userId = await accounts.management.confirm(requester, request, body)
    await accounts.management.deactivate(userId, { erase: body.erase ?? false })
    return { id_server_unbind_result: 'success' }
  },
)
