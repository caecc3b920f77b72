import { endpoint } from '../../http/endpoint.ts'

export const getSharedSecretNonce = endpoint('getSharedSecretNonce', async (_call, { accounts }) => ({
  nonce: await accounts.sharedSecret.nonce(),
}))
