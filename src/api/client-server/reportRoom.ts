import { endpoint } from '../../http/endpoint.ts'

export const reportRoom = endpoint('reportRoom', async ({ requester, path, body }, { reports }) => {
  await reports.room(requester, path.roomId, body.reason)
  return {}
})
