import { endpoint } from '../../http/endpoint.ts'

export const register = endpoint('register', ({ query, body, request }, { accounts }) =>
  query.kind === 'guest'
    ? accounts.registration.registerGuest(body)
    : accounts.registration.register(body, request),
)
