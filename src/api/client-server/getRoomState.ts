import { endpoint, reply } from '../../http/endpoint.ts'

export const getRoomState = endpoint('getRoomState', async ({ requester, path }, { roomReading }) => {
  const events = await roomReading.state(requester, path.roomId)
  return reply({ body: `[${events.join(',')}]` })
})
