import { endpoint, reply } from '../../http/endpoint.ts'
import { listBody } from '../../services/body.ts'

export const getRoomState = endpoint('getRoomState', async ({ requester, path }, { roomReading }) => {
  const events = await roomReading.stateSlices(requester, path.roomId)
  return reply({ body: await listBody('[', events, ']') })
})
