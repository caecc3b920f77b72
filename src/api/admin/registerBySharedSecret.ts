import { endpoint } from '../../http/endpoint.ts'

export const registerBySharedSecret = endpoint('registerBySharedSecret', ({ body }, { accounts }) =>
  accounts.sharedSecret.register(body),
)
