import { endpoint } from '../../http/endpoint.ts'

export const bind3PID = endpoint('bind3PID', async ({ requester, body }, { accounts }) => {
  await accounts.threepids.bind(requester.userId, body)
  return {}
})
