import { endpoint, reply } from '../../http/endpoint.ts'

export const redirectToIdP = endpoint('redirectToIdP', async ({ path, query }, { accounts }) =>
  reply({ status: 302, headers: { Location: accounts.oauth.providerUrl(path.idpId, query) }, json: {} }),
)
