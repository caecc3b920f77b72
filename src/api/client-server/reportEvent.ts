import { endpoint } from '../../http/endpoint.ts'

export const reportEvent = endpoint('reportEvent', async ({ requester, path, body }, { reports }) => {
  await reports.event(requester, path.roomId, path.eventId, body.reason)
  return {}
})
