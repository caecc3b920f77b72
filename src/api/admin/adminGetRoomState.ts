import { endpoint, reply } from '../../http/endpoint.ts'
import { listBody } from '../../services/body.ts'

export const adminGetRoomState = endpoint(
  'adminGetRoomState',
  async ({ requester, path, query }, { administration }) => {
    const events = await administration.roomReading.stateSlices(requester, path.roomId, query.type)
    return reply({ body: await listBody('{"state":[', events, ']}') })
  },
)
