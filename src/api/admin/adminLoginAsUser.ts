import { endpoint } from '../../http/endpoint.ts'

export const adminLoginAsUser = endpoint(
  'adminLoginAsUser',
  async ({ requester, path, body }, { accounts }) => {
    const { valid_until_ms: until } = body
    return { access_token: await accounts.administered.actAs(requester, path.userId, until ?? undefined) }
  },
)
