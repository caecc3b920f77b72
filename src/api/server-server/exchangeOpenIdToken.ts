import { endpoint } from '../../http/endpoint.ts'

export const exchangeOpenIdToken = endpoint('exchangeOpenIdToken', async ({ query }, { accounts }) => ({
  sub: await accounts.openId.owner(query.access_token),
}))
