import { endpoint } from '../../http/endpoint.ts'

/** "This results in this endpoint being an equivalent to `/3pid/bind`." */
export const post3PIDs = endpoint('post3PIDs', async ({ requester, body }, { accounts }) => {
  await accounts.threepids.bind(requester.userId, body.three_pid_creds)
  return {}
})
