import { endpoint } from '../../http/endpoint.ts'

export const requestTokenToRegisterEmail = endpoint('requestTokenToRegisterEmail', ({ body }, { accounts }) =>
  accounts.emails.request('register', body),
)
