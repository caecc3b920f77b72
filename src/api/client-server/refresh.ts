import { endpoint } from '../../http/endpoint.ts'

export const refresh = endpoint('refresh', ({ body }, { accounts }) =>
  accounts.login.refresh(body.refresh_token),
)
