import { endpoint, reply } from '../../http/endpoint.ts'

export const redirectToSSO = endpoint('redirectToSSO', async ({ query }, { accounts }) =>
  reply({ status: 302, headers: { Location: accounts.oauth.ssoUrl(query) }, json: {} }),
)
