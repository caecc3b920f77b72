import { endpoint } from '../../http/endpoint.ts'

export const requestTokenToResetPasswordEmail = endpoint(
  'requestTokenToResetPasswordEmail',
  ({ body }, { accounts }) => accounts.emails.request('password', body),
)
