import { endpoint } from '../../http/endpoint.ts'

export const reportUser = endpoint('reportUser', async ({ requester, path, body }, { reports }) => {
  await reports.user(requester, path.userId, body.reason)
  return {}
})
