import { endpoint, reply } from '../../http/endpoint.ts'
import { listBody } from '../../services/body.ts'

export const getMembersByRoom = endpoint(
  'getMembersByRoom',
  async ({ requester, path, query }, { roomReading }) => {
    const members = await roomReading.members(requester, path.roomId, {
      at: query.at,
      membership: query.membership,
      notMembership: query.not_membership,
    })
    return reply({ body: await listBody('{"chunk":[', members, ']}') })
  },
)
