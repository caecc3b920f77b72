import { endpoint, reply } from '../../http/endpoint.ts'

export const getEvents = endpoint('getEvents', async ({ requester, query, request }, { eventStream }) =>
  reply({
    body: await eventStream.read(
      requester,
      { from: query.from, timeoutMs: query.timeout, roomId: query.room_id },
      request.signal,
    ),
  }),
)
