import { endpoint } from '../../http/endpoint.ts'

export const requestTokenTo3PIDEmail = endpoint('requestTokenTo3PIDEmail', ({ body }, { accounts }) =>
  accounts.emails.request('add', body),
)
