import { endpoint } from '../../http/endpoint.ts'

export const login = endpoint('login', ({ body }, { accounts }) => accounts.login.login(body))
