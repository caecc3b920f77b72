import { endpoint, reply } from '../../http/endpoint.ts'

export const getEvents = endpoint('getEvents', async ({ requester, query, request }, services) => {
  // "`online`: the default state when the user is connected to an event stream."
  const ended = services.presence.syncing(requester)
  try {
    const { from, timeout: timeoutMs, room_id: roomId } = query
    const text = await services.eventStream.read(requester, { from, timeoutMs, roomId }, request.signal)
    return reply({ body: text })
  } finally {
    ended()
  }
})
