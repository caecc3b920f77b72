import { endpoint } from '../../http/endpoint.ts'

export const add3PID = endpoint('add3PID', async ({ requester, request, body }, { accounts }) => {
  const userId = await accounts.management.confirm(requester, request, body)
  await accounts.threepids.add(userId, { sid: body.sid, clientSecret: body.client_secret })
  return {}
})
